/** What the node tells of itself while the page is open: figures each second, purges at once. */
import { batch, signal } from '@preact/signals';
import type { Figures } from '../admin/dashboard-answers.ts';
import type { PurgeEvent } from '../admin/purge-event.ts';
import { systemRandom, type Millis } from '../../invalidation/clock.ts';
import { browserClock } from './browser-clock.ts';
import type { ServerSentEvent } from './event-stream.ts';
import { follow, type Connection } from './follow.ts';
import { withSnapshot } from './rates.ts';

/** Of the last five minutes, the newest last. */
export const snapshots = signal<readonly Figures[]>([]);

/** Of the figures; purges come from the same node. */
export const connection = signal<Connection>({ state: 'connecting' });

/** A purge, or records that were passed over because the page read too slowly. */
export interface Told {
  /** Grows by one; the newest have the greatest. */
  readonly id: number;
  readonly at: Millis;
  readonly event: PurgeEvent | { readonly missed: number | null };
}

const TOLD_MAX = 200;

/** The newest first. */
export const told = signal<readonly Told[]>([]);

/** Of all that was told since the page was opened. */
export const toldCount = signal(0);

/** A burst is shown piece by piece, not record by record. */
const GATHER_MS: Millis = 200;

let gathered: Told[] = [];
let lastId = 0;

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
    onConnection: () => undefined,
    onEvent: hear,
  });
  void Promise.all([figures, purges]);
}

function hear({ name, data }: ServerSentEvent): void {
  const at = browserClock.wall();
  if (name === 'purge') gather({ id: lastId += 1, at, event: data as PurgeEvent });
  if (name === 'missed') {
    const { count } = data as { count: number | null };
    gather({ id: lastId += 1, at, event: { missed: count } });
  }
}

function gather(one: Told): void {
  if (gathered.length === 0) browserClock.after(GATHER_MS, show);
  gathered.push(one);
  if (gathered.length > 2 * TOLD_MAX) gathered = gathered.slice(-TOLD_MAX);
}

function show(): void {
  const some = gathered.toReversed();
  gathered = [];
  batch(() => {
    told.value = [...some, ...told.peek()].slice(0, TOLD_MAX);
    toldCount.value = lastId;
  });
}
