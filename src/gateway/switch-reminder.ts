/**
 * Says again what is switched off for the fleet, lest the log forget it: it is cut by age and by
 * records. So a node hears of it that starts later, or that a gap in the log kept from hearing it.
 *
 * It promises: while the log takes records, what is off is said again before long (`everyMs`) and
 * before many others have come after it (`recordsMax`); all who know it say it in one record; and
 * who says off because a gap kept it from hearing of the on is told.
 */
import { randomUUID } from 'node:crypto';
import type { CachingSwitch } from '../cache/caching-switch.ts';
import type { Clock, Millis } from '../invalidation/clock.ts';
import { digestOf } from '../invalidation/digest.ts';
import type { LogRecord } from '../invalidation/log.ts';
import { MessageMaker } from '../invalidation/message-maker.ts';
import type { InvalidationNode } from '../invalidation/node.ts';
import { successor, type Position } from '../invalidation/position.ts';
import { readSwitching, switchingMessage, type Switching } from '../invalidation/switching.ts';

export interface SwitchReminderOptions {
  readonly node: InvalidationNode;
  /** It has heard of each record before this does. */
  readonly caching: CachingSwitch;
  readonly clock: Clock;
  /** After so long it is said again; at most a quarter later. */
  readonly everyMs: Millis;
  /** Or after so many records. */
  readonly recordsMax: number;
}

/** When something was last said. */
interface Said {
  /** The same on all nodes. */
  readonly position: Position;
  readonly at: Millis;
  readonly records: number;
}

export class SwitchReminder {
  readonly #options: SwitchReminderOptions;
  readonly #maker: MessageMaker;
  readonly #ends: readonly (() => void)[];
  readonly #startedAt: Millis;
  /** Of what is off. */
  readonly #said = new Map<string, Said>();
  /** Heard so far, but for those that switch: these must not call for each other. */
  #records = 0;
  #cancel: () => void = () => undefined;

  constructor(options: SwitchReminderOptions) {
    const { node, clock } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#maker = new MessageMaker({ sourceService: 'freshet', clock, newId: () => randomUUID() });
    this.#ends = [
      node.onRecords((records) => this.#heard(records)),
      // What others say again after it, this node hears; but it may be the last that knows.
      node.onGap(() => this.#remind({ isDue: () => true })),
    ];
    this.#remindLater();
  }

  close(): void {
    this.#cancel();
    for (const end of this.#ends) end();
  }

  #remindLater(): void {
    const { clock, everyMs } = this.#options;
    this.#cancel = clock.after(Math.max(1, everyMs / 4), () => {
      const now = clock.now();
      this.#remind({ isDue: ({ at }) => now - at >= everyMs });
      this.#remindLater();
    });
  }

  #heard(records: readonly LogRecord[]): void {
    const { recordsMax, clock } = this.#options;
    const at = clock.now();
    const outdated = new Map<string, () => void>();
    for (const { message, position } of records) {
      const switching = readSwitching(message);
      if (switching === undefined) {
        this.#records += 1;
        continue;
      }
      const key = switching.type ?? '';
      this.#said.set(key, { position, at, records: this.#records });
      if (switching.state === 'on') outdated.delete(key);
      else if (this.#isOutdated(switching)) {
        outdated.set(key, () => this.#correct(switching, position));
      }
    }
    for (const correct of outdated.values()) correct();
    this.#remind({ isDue: (said) => this.#records - said.records >= recordsMax });
  }

  #remind({ isDue }: { isDue: (said: Said) => boolean }): void {
    const { caching, node, clock } = this.#options;
    const decisions = caching.decisions();
    this.#forgetAllBut(decisions);
    for (const decision of decisions) {
      const key = decision.type ?? '';
      const said = this.#said.get(key)
        ?? { position: decision.since, at: this.#startedAt, records: 0 };
      if (!isDue(said)) continue;
      // The log takes nothing now, so it would only wait with the others.
      if (node.stats.outbox > 0) return;
      this.#said.set(key, { ...said, at: clock.now(), records: this.#records });
      this.#say(decision, said.position);
    }
  }

  #forgetAllBut(decisions: readonly Switching[]): void {
    if (this.#said.size === decisions.length) return;
    const off = new Set<string>(decisions.map(({ type = '' }) => type));
    for (const key of this.#said.keys()) if (!off.has(key)) this.#said.delete(key);
  }

  /** Said again by a node that has not heard of the on. */
  #isOutdated({ type, since }: Switching): boolean {
    if (since === undefined) return false;
    const { all, types } = this.#options.caching.fleet;
    return !all && (type === undefined || !types.includes(type));
  }

  /** It was switched on at some place after `since`: whoever is off since then, is on. */
  #correct({ type, since }: Switching, position: Position): void {
    if (since === undefined) return;
    this.#say({ state: 'on', since: successor(since), ...(type && { type }) }, position);
  }

  /** All nodes that say it after the record at `position` append one record. */
  #say(switching: Switching, position: Position): void {
    const { state, type = '' } = switching;
    const identity = digestOf(JSON.stringify(['switched', state, type, position]));
    const message = switchingMessage(switching, { maker: this.#maker });
    // It rejects when the node is closed meanwhile; the others say it as well.
    this.#options.node.invalidate(message, { identity }).catch(() => undefined);
  }
}
