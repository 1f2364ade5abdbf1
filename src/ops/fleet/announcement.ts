/** What the nodes of a fleet tell each other of themselves: for people, nothing rests on it. */
import { z } from 'zod';

const VERSION = 1;

const TEXT_LENGTH_MAX = 200;
const text = z.string().max(TEXT_LENGTH_MAX);
const count = z.int().min(0);

/** As it stands in Redis; what newer nodes add is let through unread. */
const announcement = z.object({
  format: z.literal(VERSION),
  host: text,
  version: text,
  /** As `Freshet-Position`. */
  position: text.regex(/^\d{1,15}-\d{1,16}$/),
  hears: z.boolean(),
  lagSeconds: z.number().min(0).nullable(),
  caching: z.enum(['on', 'off']),
  workers: count,
  uptimeSeconds: count,
});

/** One machine, of all its processes. */
export type Announcement = Omit<z.output<typeof announcement>, 'format'>;

export function writeAnnouncement({ host, version, ...told }: Announcement): string {
  return JSON.stringify({
    format: VERSION,
    host: host.slice(0, TEXT_LENGTH_MAX),
    version: version.slice(0, TEXT_LENGTH_MAX),
    ...told,
  } satisfies z.input<typeof announcement>);
}

/** Undefined for what this version cannot read. */
export function readAnnouncement(json: string): Announcement | undefined {
  try {
    const { format: _, ...told } = announcement.parse(JSON.parse(json));
    return told;
  } catch {
    return undefined;
  }
}
