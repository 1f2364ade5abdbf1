/**
 * Warns while the log may forget what the audit has not written yet, before it does: the database
 * is away, or too slow. It compares what the log still holds with how far the audit is.
 */
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import type { Reach } from '../../invalidation/log-redis-archive.ts';
import { loggedMsOf, ORIGIN, type Position } from '../../invalidation/position.ts';

export interface OvertakingOptions {
  /**
   * How far the audit is: `ORIGIN` where nobody can tell, undefined where another process can.
   */
  readonly position: () => Position | undefined;
  readonly reach: (position: Position) => Promise<Reach>;
  /** Of the log. */
  readonly retentionMs: Millis;
  readonly recordsMax: number;
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  /** Default one minute. */
  readonly everyMs?: Millis;
}

/** From here on there is reason to warn: half of what the log keeps waits for the audit. */
const SHARE_WARNED = 0.5;

/** So long an entry is not left unread by an audit that writes. */
const LAG_MS = 60_000;

/** Looks now and then, until `signal` aborts. */
export async function watchOvertaking(
  options: OvertakingOptions,
  signal: AbortSignal,
): Promise<void> {
  const { position, reach, warn, clock, everyMs = 60_000 } = options;
  while (!signal.aborted) {
    const at = position();
    // Without Redis nothing is known, and nothing is forgotten by its age either.
    const found = at && await reach(at).catch(() => undefined);
    const text = at && found && overtakingOf(at, found, options);
    if (text !== undefined) warn(text);
    await pause(clock, everyMs, signal);
  }
}

/** What to warn of; undefined where there is nothing. */
export function overtakingOf(
  position: Position,
  { timeMs, oldest, next, unread }: Reach,
  { retentionMs, recordsMax }: Pick<OvertakingOptions, 'retentionMs' | 'recordsMax'>,
): string | undefined {
  if (next === undefined) return undefined;
  const ageMs = timeMs - loggedMsOf(next);
  const share = Math.max(ageMs / retentionMs, unread / recordsMax);
  // The oldest entry that is left is one that has not been read: those before it may be gone. Of
  // a log that was idle for long the same is true for a moment.
  const isKnown = position > ORIGIN;
  const isOvertaken = isKnown && oldest === next && oldest > position && ageMs >= LAG_MS;
  if (share < SHARE_WARNED && !isOvertaken) return undefined;
  const is = isKnown ? 'is' : 'may be';
  const behind = `the audit ${is} ${unread} records and ${minutes(ageMs)} behind the log`;
  if (isOvertaken) return `${behind}, which has begun to forget them: some may be lost`;
  const leftMs = retentionMs - ageMs;
  return `${behind}, which forgets after ${minutes(retentionMs)} or ${recordsMax} records: ` +
    `by its age the first is lost in ${minutes(leftMs)}, if the database stays away`;
}

function minutes(ms: Millis): string {
  return `${Math.max(0, Math.round(ms / 60_000))} min`;
}
