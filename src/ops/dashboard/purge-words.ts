/** What a purge is in words: what, who, and why, of the stream and of the audit alike. */
import type { PurgeEvent } from '../admin/purge-event.ts';
import { plural } from './format.ts';

/** Null: it is about keys or a pattern. */
export function switchingText(
  { caching, caching_type: type }: Pick<PurgeEvent, 'caching' | 'caching_type'>,
): string | null {
  if (caching === null) return null;
  return type === null ? `caching switched ${caching}` : `caching of ${type} switched ${caching}`;
}

export interface Who {
  readonly actor: string | null;
  readonly triggered_by: string | null;
}

/** `ann, for deploy 7`; the service where nobody is named. */
export function whoText(
  { actor, triggered_by: onBehalf }: Who,
  source: string,
): string {
  const who = actor ?? source;
  return onBehalf === null ? who : `${who}, for ${onBehalf}`;
}

/** What a purge does besides ending what depends on its keys. */
export function marksOf({ soft, created }: { soft: boolean; created?: boolean }): string[] {
  return [...(soft ? ['soft'] : []), ...(created === true ? ['created'] : [])];
}

const NAMED_MAX = 3;

/** A sentence for whoever is read to instead of looking. */
export function announcementOf(events: readonly PurgeEvent[]): string {
  if (events.length === 0) return '';
  const named = events.slice(0, NAMED_MAX).map((event) =>
    `${subjectOf(event)} by ${whoText(event, event.source)}`);
  const more = events.length > NAMED_MAX ? ` and ${events.length - NAMED_MAX} more` : '';
  return `${plural(events.length, 'purge')}: ${named.join('; ')}${more}`;
}

function subjectOf(event: PurgeEvent): string {
  const { keys, keys_count: count, pattern } = event;
  return switchingText(event) ?? pattern
    ?? (count <= NAMED_MAX ? keys.join(' and ') : plural(count, 'key'));
}
