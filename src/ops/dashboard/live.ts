/** What the node tells of itself while the page is open: figures each second, purges at once. */
import { signal } from '@preact/signals';
import type { Figures } from '../admin/dashboard-answers.ts';
import type { PurgeEvent } from '../admin/purge-event.ts';
import { systemRandom, type Millis } from '../../invalidation/clock.ts';
import { browserClock } from './browser-clock.ts';
import type { ServerSentEvent } from '../server-sent-event.ts';
import { follow, type Connection } from './follow.ts';
import { plural } from './format.ts';
import { withSnapshot } from './rates.ts';

/** Of the last five minutes, the newest last. */
export const snapshots = signal<readonly Figures[]>([]);

/** Of the figures. */
export const connection = signal<Connection>({ state: 'connecting' });

/** Of the purges, which come by a stream of their own. */
export const purgesConnection = signal<Connection>({ state: 'connecting' });

/** A purge, or in which words some are not shown. */
export interface Told {
  /** Grows by one; the newest have the greatest. */
  readonly id: number;
  readonly at: Millis;
  readonly event: PurgeEvent | { readonly missed: string };
}

const TOLD_MAX = 200;

/** The newest first. */
export const told = signal<readonly Told[]>([]);

/** A burst is shown piece by piece, not record by record. */
const GATHER_MS: Millis = 200;

let gathered: Told[] = [];
let lastId = 0;
/** Of the last purge that was told of, or where the stream began. */
let lastPosition: string | undefined;

/** To be called once. */
export function live(stop: AbortSignal): void {
  const common = { clock: browserClock, random: systemRandom, signal: stop };
  const figures = follow({
    ...common,
    path: 'admin/dashboard/live',
    onConnection: (next) => {
      connection.value = next;
    },
    onEvent: ({ name, data }) => {
      if (name === 'figures') snapshots.value = withSnapshot(snapshots.peek(), data as Figures);
    },
  });
  const purges = follow({
    ...common,
    path: 'admin/events',
    onConnection: (next) => {
      purgesConnection.value = next;
    },
    onEvent: hear,
  });
  void Promise.all([figures, purges]);
}

function hear({ name, data }: ServerSentEvent): void {
  if (name === 'purge') {
    const event = data as PurgeEvent;
    lastPosition = event.position;
    gather(event);
  }
  if (name === 'missed') {
    const { count } = data as { count: number | null };
    gather({
      missed: count === null
        ? 'Records that the log had lost before this node read them.'
        : `${plural(count, 'purge')} more, too many at once to be shown.`,
    });
  }
  if (name === 'begin') {
    const { position } = data as { position: string };
    const isLater = lastPosition !== undefined && lastPosition !== position;
    lastPosition = position;
    if (isLater) gather({ missed: 'What came while the page was not connected: see the audit.' });
  }
}

function gather(event: Told['event']): void {
  if (gathered.length === 0) browserClock.after(GATHER_MS, show);
  gathered.push({ id: lastId += 1, at: browserClock.wall(), event });
  if (gathered.length > 2 * TOLD_MAX) gathered = gathered.slice(-TOLD_MAX);
}

function show(): void {
  const some = gathered.toReversed();
  gathered = [];
  told.value = [...some, ...told.peek()].slice(0, TOLD_MAX);
}
