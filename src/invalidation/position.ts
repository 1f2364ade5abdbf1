/**
 * A position is a place in the log. Positions only grow, and their order is the alphabetical order
 * of the strings, so that comparing two is one `<`. Inside, both halves of a Redis Stream ID are
 * padded with zeros; on the wire (headers, `metadata.position`) it is the plain Redis form
 * `1772366400000-5`.
 */
import { ownText } from './own-text.ts';

declare const brand: unique symbol;
export type Position = string & { readonly [brand]: 'Position' };

const MS_DIGITS = 15;
const SEQUENCE_DIGITS = 16;
const NINE = 0x39;
const WIRE_FORM = /^(\d{1,15})-(\d{1,16})$/;

export function positionOf(ms: number, sequence: number): Position {
  const head = String(ms).padStart(MS_DIGITS, '0');
  return `${head}-${String(sequence).padStart(SEQUENCE_DIGITS, '0')}` as Position;
}

/** Before every record of every log. */
export const ORIGIN: Position = positionOf(0, 0);

/** Reads the wire form; `undefined` for anything else, and where no successor could be counted. */
export function parsePosition(text: string): Position | undefined {
  const match = WIRE_FORM.exec(text);
  if (match === null || Number(match[2]) >= Number.MAX_SAFE_INTEGER) return undefined;
  const ms = (match[1] as string).padStart(MS_DIGITS, '0');
  return ownText(`${ms}-${(match[2] as string).padStart(SEQUENCE_DIGITS, '0')}`) as Position;
}

/** The wire form, which is also the ID of the record in the Redis Stream. */
export function formatPosition(position: Position): string {
  const ms = Number(position.slice(0, MS_DIGITS));
  return `${ms}-${Number(position.slice(MS_DIGITS + 1))}`;
}

/** When the log took the record, by the clock of the log; in milliseconds since the Unix epoch. */
export function loggedMsOf(position: Position): number {
  return Number(position.slice(0, MS_DIGITS));
}

/** The least position after `position`; every later record of the log is at it or beyond it. */
export function successor(position: Position): Position {
  const last = position.charCodeAt(position.length - 1);
  // Of one piece: to compare it is not to be what puts it together, in the midst of a purge.
  const next = String.fromCharCode(last + 1);
  if (last < NINE) return ownText(position.slice(0, -1) + next) as Position;
  const ms = Number(position.slice(0, MS_DIGITS));
  return positionOf(ms, Number(position.slice(MS_DIGITS + 1)) + 1);
}

/** The position that is `count` before `position`, within the same millisecond. */
export function before(position: Position, count: number): Position {
  if (count === 0) return position;
  const ms = Number(position.slice(0, MS_DIGITS));
  return positionOf(ms, Math.max(0, Number(position.slice(MS_DIGITS + 1)) - count));
}

/** `last` and the `count - 1` positions before it, within the same millisecond, in their order. */
export function positionsUpTo(last: Position, count: number): readonly Position[] {
  if (count === 1) return [last];
  const head = last.slice(0, MS_DIGITS + 1);
  const end = Number(last.slice(MS_DIGITS + 1));
  const positions: Position[] = [];
  for (let back = count - 1; back >= 0; back -= 1) {
    const sequence = String(Math.max(0, end - back));
    positions.push(`${head}${sequence.padStart(SEQUENCE_DIGITS, '0')}` as Position);
  }
  return positions;
}

export function latest(a: Position, b: Position): Position {
  return a < b ? b : a;
}
