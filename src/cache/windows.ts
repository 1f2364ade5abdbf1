/** The windows about the end of a TTL: shortly before it, and for some time after it. */
import type { Millis, Random } from '../invalidation/clock.ts';
import type { Entry } from './entry.ts';

/** Of what is past its TTL: it may be served while it is loaded anew (RFC 5861, section 3). */
export function mayRevalidate({ staleAt, staleWhileRevalidateMs }: Entry, now: Millis): boolean {
  return now < staleAt + staleWhileRevalidateMs;
}

/** Of what is past its TTL: it may be served where the origin fails (RFC 5861, section 4). */
export function mayOutliveOutage({ staleAt, staleIfErrorMs }: Entry, now: Millis): boolean {
  return now < staleAt + staleIfErrorMs;
}

/**
 * Whether who found a current entry should load it already: by chance, and the sooner the longer it
 * takes to load, so that of many readers about one does before all find it expired. This is XFetch
 * of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB
 * 8(8), 2015, whose `beta` is 1 by default and greater to load earlier.
 */
export function isDueEarly(
  { staleAt, loadMs }: Entry,
  { beta, now, random }: { beta: number; now: Millis; random: Random },
): boolean {
  // 1 - random is never 0, whose logarithm would load whatever the time is.
  return now - loadMs * beta * Math.log(1 - random()) >= staleAt;
}
