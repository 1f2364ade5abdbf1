/** The service of the analytics: it counts into buckets, and tells which of them have changed. */
import { keys } from 'freshet-gateway/invalidation';
import { GraphQLError } from 'graphql';
import {
  startSubgraph, type RecipeOptions, type RecipeService, type Telling,
} from '../subgraph.ts';

const DAYS_MAX = 366;
const DAY_MS = 86_400_000;

interface Day {
  readonly site: string;
  readonly date: string;
}

interface Hour {
  readonly site: string;
  readonly start: string;
}

export function startAnalytics(options: RecipeOptions): Promise<RecipeService> {
  const counts = new Map<string, number>();
  const viewsOf = (site: string, bucket: string): number =>
    counts.get(JSON.stringify([site, bucket])) ?? 0;
  const count = (site: string, bucket: string): void =>
    void counts.set(JSON.stringify([site, bucket]), viewsOf(site, bucket) + 1);
  const dayOf = ({ site, date }: Day) => ({ site, date, views: viewsOf(site, date) });
  const hourOf = ({ site, start }: Hour) => ({ site, start, views: viewsOf(site, start) });

  const resolvers = {
    Query: {
      days: (_: unknown, { site, from, to }: { site: string; from: string; to: string }) =>
        datesOf(from, to).map((date) => dayOf({ site, date })),
      hours: (_: unknown, { site, date }: Day) => Array.from({ length: 24 }, (__, hour) =>
        hourOf({ site, start: `${date}T${String(hour).padStart(2, '0')}` })),
    },
    Mutation: {
      async record(_: unknown, args: { site: string; at: string[] }, { stale }: Telling) {
        const { site } = args;
        // All of them are read before one is counted.
        const times = args.at.map((text) => timeOf(text).toISOString());
        const dates = [...new Set(times.map((time) => time.slice(0, 10)))];
        const hours = [...new Set(times.map((time) => time.slice(0, 13)))];
        for (const time of times) {
          count(site, time.slice(0, 10));
          count(site, time.slice(0, 13));
        }
        await stale([
          ...dates.map((date) => keys.of('Day', site, date)),
          ...hours.map((hour) => keys.of('Hour', site, hour)),
        ]);
        return { dates, hours };
      },
    },
  };
  const schema = new URL('schema.graphql', import.meta.url);
  const find = { Day: dayOf, Hour: hourOf };
  return startSubgraph({ source: 'analytics', schema, resolvers, find }, options);
}

function datesOf(from: string, to: string): string[] {
  const [first, last] = [timeOf(from).getTime(), timeOf(to).getTime()];
  const length = (last - first) / DAY_MS + 1;
  if (!Number.isInteger(length) || length < 1 || length > DAYS_MAX) {
    throw new GraphQLError(`1 to ${DAYS_MAX} days were required, got ${length}`);
  }
  return Array.from({ length }, (_, at) =>
    new Date(first + at * DAY_MS).toISOString().slice(0, 10));
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new GraphQLError('a date or a time was required, got another text');
}
