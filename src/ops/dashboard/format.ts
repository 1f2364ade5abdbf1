/** Figures and times as the page shows them: short, and equally wide where they change. */
import type { Millis } from '../../invalidation/clock.ts';

/** What stands where there is nothing to show. */
export const NOTHING = '\u2013';

const whole = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** 12,345; from a million on 1.2M. */
export function countText(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  return value < 1_000_000 ? whole.format(Math.round(value)) : compact.format(value);
}

/** Of so many a second: 0.4, 12.3, 1,234. */
export function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return NOTHING;
  return perSecond < 100 ? perSecond.toFixed(perSecond === 0 ? 0 : 1) : countText(perSecond);
}

/** 97.3 %. What is not all of it is never shown as 100 %. */
export function shareText(share: number | undefined): string {
  if (share === undefined) return NOTHING;
  if (share === 0 || share === 1) return `${share * 100} %`;
  return `${Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1)} %`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesText(bytes: number | null | undefined): string {
  if (bytes == null) return NOTHING;
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1_024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${BYTE_UNITS[power]}`;
}

/** Three digits where that can be: 0.05 ms, 12.3 ms, 1.25 s. */
export function latencyText(ms: number | null | undefined): string {
  if (ms == null) return NOTHING;
  if (ms === 0) return '0 ms';
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`;
}

const SPANS = [['d', 86_400], ['h', 3_600], ['min', 60]] as const;

/** The two greatest units: 3 d 4 h, 5 min 10 s, 2.5 s. */
export function durationText(ms: Millis | null | undefined): string {
  if (ms == null) return NOTHING;
  if (ms < 0) return `-${durationText(-ms)}`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  let rest = Math.round(seconds);
  const at = SPANS.findIndex(([, length]) => rest >= length);
  const parts: string[] = [];
  for (const [unit, length] of [...SPANS.slice(at), ['s', 1] as const].slice(0, 2)) {
    const value = Math.floor(rest / length);
    rest -= value * length;
    if (value > 0) parts.push(`${value} ${unit}`);
  }
  return parts.join(' ');
}

/** 14:03:05 in the reader's own time; with the day, where that is another than today's. */
export function timeText(time: string | null | undefined, now?: Millis): string {
  if (time == null) return NOTHING;
  const ms = Date.parse(time);
  // As its sender wrote it, where that is no time.
  if (Number.isNaN(ms)) return time;
  const of = new Date(ms);
  const clock = [of.getHours(), of.getMinutes(), of.getSeconds()].map(twoDigits).join(':');
  const isToday = now === undefined || new Date(now).toDateString() === of.toDateString();
  return isToday ? clock : `${dayText(of)} ${clock}`;
}

function dayText(of: Date): string {
  return [of.getFullYear(), of.getMonth() + 1, of.getDate()].map(twoDigits).join('-');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** 1 entry, 2 entries. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
