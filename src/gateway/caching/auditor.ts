/**
 * Looks for staleness that nobody told us of: of a share of the hits it reads the origin again, off
 * the request's path and past all caches, and compares.
 *
 * A difference is called stale only where nothing that the answer depends on was invalidated from
 * the hit until some time after the second reading. Otherwise the origin may have changed between
 * the two, or the news of it were on their way, and the hit was as good as it could be; so was it
 * where this node does not hear the log. It is counted apart.
 *
 * It promises to ask the origins no more often than it is told to, not to touch what is cached,
 * and to leave alone what is one caller's own, unless it is asked to look there too.
 */
import type { ExecutionResult } from 'graphql';
import type { Entry } from '../../cache/entry.ts';
import type { Hearing } from '../../cache/freshness.ts';
import { canonicalJson } from '../../cache/key.ts';
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import { Histogram, type Percentiles } from '../../invalidation/histogram.ts';
import type { Horizon } from '../../invalidation/horizon.ts';

export interface AuditSettings {
  /** Of the hits, 0 to 1. 0: nothing is audited. */
  readonly share: number;
  /** Of the second readings. */
  readonly perSecondMax: number;
  /** Audit what is one caller's own as well. */
  readonly private: boolean;
  /** How long the news of a change may take to this node. */
  readonly graceMs: Millis;
}

export interface AuditorOptions extends AuditSettings {
  readonly horizon: Horizon;
  readonly hearing: Hearing;
  readonly clock: Clock;
  readonly random: Random;
}

/** Percentiles in `staleAge` are of the time since the stale answers were read from the origin. */
export interface AuditStats {
  /** Hits that were compared with the origin. */
  readonly audited: number;
  /** Of these, those that differed although nobody had told of a change. */
  readonly stale: number;
  /** Of these, those that differed where something was invalidated meanwhile. */
  readonly changedMeanwhile: number;
  /** Hits that were left out to keep to the limit. */
  readonly skipped: number;
  /** Second readings that ended with an error. */
  readonly failed: number;
  readonly staleAge: Percentiles;
}

/** A hit, and how to ask the origin the same. */
export interface AuditedHit {
  readonly entry: Entry;
  /** It is served to one caller alone. */
  readonly isOwn: boolean;
  readonly reread: () => Promise<ExecutionResult>;
}

/** An origin that hangs holds up no more than these. */
const UNDER_WAY_MAX = 10;

type Counter = Exclude<keyof AuditStats, 'staleAge'>;

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #counts: Record<Counter, number> = {
    audited: 0, stale: 0, changedMeanwhile: 0, skipped: 0, failed: 0,
  };
  readonly #staleAge = new Histogram();
  readonly #stop = new AbortController();
  readonly #rate: Rate;
  #underWay = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#rate = new Rate(options.perSecondMax, options.clock);
  }

  get stats(): AuditStats {
    return { ...this.#counts, staleAge: this.#staleAge.percentiles() };
  }

  /** Whether the next hit is to be audited: by chance. */
  picks(hit: Pick<AuditedHit, 'isOwn'>): boolean {
    const { share, random } = this.#options;
    if (hit.isOwn && !this.#options.private) return false;
    return share > 0 && random() < share;
  }

  /** Returns at once; nothing that happens afterwards reaches the caller. */
  audit(hit: AuditedHit): void {
    if (this.#underWay >= UNDER_WAY_MAX || !this.#rate.take()) {
      this.#counts.skipped += 1;
      return;
    }
    this.#underWay += 1;
    void this.#compare(hit)
      .catch(() => 'failed' as const)
      .then((found) => {
        this.#underWay -= 1;
        if (found === undefined) return;
        this.#counts[found] += 1;
        if (found !== 'audited' && found !== 'failed') this.#counts.audited += 1;
      });
  }

  close(): void {
    this.#stop.abort();
  }

  /** Undefined where it was cut short. */
  async #compare({ entry, reread }: AuditedHit): Promise<Exclude<Counter, 'skipped'> | undefined> {
    const { horizon, hearing, clock, graceMs } = this.#options;
    const { tags } = entry;
    const position = horizon.position;
    const ageMs = clock.now() - entry.readAt;
    const result = await reread();
    if (result.errors !== undefined && result.errors.length > 0) return 'failed';
    if (textOf(result) === textOf(JSON.parse(entry.value.toString()))) return 'audited';
    await pause(clock, graceMs, this.#stop.signal);
    if (this.#stop.signal.aborted) return undefined;
    const isTold = horizon.invalidatedSince(position, tags) || !hearing.hears(clock.now());
    if (isTold) return 'changedMeanwhile';
    this.#staleAge.record(ageMs);
    return 'stale';
  }
}

/** As it is sent, in one order: what serializes itself has done so. */
function textOf(result: unknown): string {
  const { data } = JSON.parse(JSON.stringify(result)) as ExecutionResult;
  return canonicalJson(data);
}

/** A bucket that holds what may be taken in one second, and fills evenly. */
class Rate {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #filledAt: Millis;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = perSecond;
    this.#filledAt = clock.now();
  }

  take(): boolean {
    const now = this.#clock.now();
    const filled = ((now - this.#filledAt) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + filled);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
