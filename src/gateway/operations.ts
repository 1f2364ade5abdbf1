/**
 * What an operator does to the cache of a node: invalidate, see what that would touch, and switch
 * caching off and on. How it is asked for is not known here.
 */
import { randomUUID } from 'node:crypto';
import type { SwitchedOff } from '../cache/caching-switch.ts';
import type { Clock, Millis } from '../invalidation/clock.ts';
import { MessageMaker } from '../invalidation/message-maker.ts';
import type { InvalidationMessage } from '../invalidation/message.ts';
import type { InvalidateOptions } from '../invalidation/node.ts';
import type { Position } from '../invalidation/position.ts';
import type { Purge } from '../invalidation/purge.ts';
import { readSwitching, type Switching } from '../invalidation/switching.ts';
import { tagOf, type Tag } from '../invalidation/tag.ts';
import type { Core } from './core.ts';
import { Surveyor, type Survey } from './survey.ts';
import { SwitchReminder } from './switch-reminder.ts';

export interface OperationsOptions {
  readonly core: Core;
  readonly clock: Clock;
  /** Of the log: what is off is said again before the log forgets it. */
  readonly retentionMs: Millis;
  /** Of the log, as well. */
  readonly recordsMax: number;
}

export interface SwitchState {
  /** Whether anything is cached on this node. */
  readonly isOn: boolean;
  readonly fleet: SwitchedOff;
  readonly node: SwitchedOff;
}

/** What is off is said again so often at least: so long may it take a node to hear of it. */
const REMIND_MS_MAX: Millis = 60_000;

export class Operations {
  readonly #core: Core;
  readonly #maker: MessageMaker;
  readonly #surveyor: Surveyor;
  readonly #reminder: SwitchReminder;

  constructor({ core, clock, retentionMs, recordsMax }: OperationsOptions) {
    this.#core = core;
    this.#maker = new MessageMaker({ sourceService: 'freshet', clock, newId: () => randomUUID() });
    this.#surveyor = new Surveyor({ entries: () => core.l1.entries(), clock });
    const { node, caching } = core;
    this.#reminder = new SwitchReminder({
      node, caching, clock,
      everyMs: Math.min(retentionMs / 4, REMIND_MS_MAX),
      recordsMax: Math.max(1, Math.floor(recordsMax / 4)),
    });
  }

  /**
   * Puts the message in the log and applies it, as `InvalidationNode.invalidate`. Of one that
   * switches caching off, the second is done also where the log cannot be reached.
   */
  async invalidate(
    message: InvalidationMessage,
    options?: InvalidateOptions,
  ): Promise<Position | undefined> {
    const { caching, node } = this.#core;
    const switching = readSwitching(message);
    const before = node.position;
    const position = await this.#core.publish(message, options);
    if (switching === undefined) return position;
    if (position !== undefined) caching.decide(switching, position);
    else if (switching.state === 'off') caching.decide(switching, before);
    return position;
  }

  purgesOf(message: InvalidationMessage): readonly Purge[] {
    return this.#core.node.purgesOf(message);
  }

  /**
   * What the message would touch of what this process holds in memory; or what it has touched, of
   * a record of the log, whose position is `before`.
   */
  survey(message: InvalidationMessage, before?: Position): Promise<Survey> {
    return this.#surveyor.survey(this.purgesOf(message), before);
  }

  /** Which of the keys the message would touch, each as the tag that it names. */
  matching(
    keys: readonly string[],
    message: InvalidationMessage,
  ): Promise<readonly Tag[]> {
    const named = keys.flatMap((key) => this.purgesOf(this.#maker.batch([key])));
    const tags = named.flatMap((purge) => (purge.kind === 'tag' ? [purge.tag] : []));
    return this.#surveyor.matching([...new Set(tags)], this.purgesOf(message));
  }

  get caching(): SwitchState {
    const { isOn, fleet, node } = this.#core.caching;
    return { isOn, fleet, node };
  }

  /**
   * On this process alone. Before it is on again, all that this process holds counts as
   * invalidated; that lasts until it has a place in the log.
   */
  switchHere(switching: Omit<Switching, 'since'>): void {
    if (switching.state === 'on') void this.#core.node.forget();
    this.#core.caching.decideHere(switching);
  }

  /** As another process of this node has it. */
  takeOver({ all, types }: SwitchedOff): void {
    const { caching } = this.#core;
    if (all) caching.decideHere({ state: 'off' });
    for (const type of types) caching.decideHere({ state: 'off', type: tagOf([type]) });
  }

  close(): void {
    this.#reminder.close();
  }
}
