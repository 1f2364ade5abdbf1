/**
 * A node over a subgraph in which each field has a strategy of its own, declared by directive, with
 * a clock that leaps. Every test asks about an id of its own, so that none disturbs another.
 */
import { randomUUID } from 'node:crypto';
import type { Random } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { formatPosition, parsePosition } from '../../src/invalidation/position.ts';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { LeapingClock } from '../support/leaping-clock.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type Answer, type NodeOptions, type TestNode } from './fleet.ts';

const TAGGED = '@cacheTag(format: "reading:{$args.id}")';

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@external", "@shareable"])
  ${FRESHET_SDL}
  type Query {
    fixed(id: ID!): Reading @cacheControl(maxAge: 10) ${TAGGED}
    sliding(id: ID!): Reading @cacheControl(maxAge: 10) @cacheStrategy(sliding: 25) ${TAGGED}
    jittered(id: ID!): Reading @cacheControl(maxAge: 10) @cacheStrategy(jitter: 0.5) ${TAGGED}
    early(id: ID!): Reading @cacheControl(maxAge: 10) @cacheStrategy(earlyExpiry: 100) ${TAGGED}
    revalidated(id: ID!): Reading
      @cacheControl(maxAge: 10, staleWhileRevalidate: 30) ${TAGGED}
    enduring(id: ID!): Reading @cacheControl(maxAge: 10) @cacheStrategy(staleIfError: 30) ${TAGGED}
    refreshed(id: ID!): Reading @cacheControl(maxAge: 60) @cacheStrategy(refresh: 2) ${TAGGED}
    settled(id: ID!): Reading @cacheControl(maxAge: 60) @cacheStrategy(settle: 1000) ${TAGGED}
    negative(id: ID!): Reading @cacheControl(maxAge: 60) @cacheStrategy(negative: 5) ${TAGGED}
    unkept(id: ID!): Reading @cacheControl(maxAge: 60) @cacheStrategy(negative: 0) ${TAGGED}
    locked(id: ID!): Reading @cacheControl(maxAge: 60) @cacheStrategy(lock: 5000) ${TAGGED}
    unlocked(id: ID!): Reading @cacheControl(maxAge: 60) ${TAGGED}
    account(id: ID!): Account @cacheControl(maxAge: 60)
    unversioned(id: ID!): Reading @cacheControl(maxAge: 60) ${TAGGED}
  }
  type Reading { value: Int }
  type Account @key(fields: "id") @cacheStrategy(version: "version") {
    id: ID!
    value: Int
    version: Int!
  }
`;

export interface StrategiesWorld {
  readonly node: TestNode;
  readonly clock: LeapingClock;
  readonly origin: TestSubgraph;
  /** What the origin answers: by id; null where there is none. */
  readonly values: Map<string, number | null>;
  readonly versions: Map<string, number>;
  readonly log: MemoryLog;
  ask(field: string, id: string): Promise<Answer>;
  /** How often the origin has been asked about the id. */
  loads(id: string): number;
  /** Tells of a change; resolves when the node has applied it. */
  tell(make: (maker: MessageMaker) => InvalidationMessage): Promise<void>;
  stop(): Promise<void>;
}

/** The origin alone, for more than one node. */
export async function startOrigin() {
  const values = new Map<string, number | null>();
  const versions = new Map<string, number>();
  const reading = (_: unknown, { id }: { id: string }) => {
    const value = values.get(id);
    return value === undefined || value === null ? null : { value };
  };
  const account = (_: unknown, { id }: { id: string }) =>
    ({ id, value: values.get(id) ?? null, version: versions.get(id) ?? 1 });
  const declared = SDL.matchAll(/^ {4}(\w+)\(id: ID!\): Reading/gm);
  const fields = [...declared].map(([, name]) => name ?? '');
  const origin = await startSubgraph({
    name: 'origin',
    sdl: SDL,
    resolvers: {
      Query: { ...Object.fromEntries(fields.map((name) => [name, reading])), account },
    },
    entities: { Account: ({ id }) => account(null, { id }) },
  });
  return { origin, values, versions };
}

export async function startStrategiesWorld(
  options: NodeOptions & { readonly random?: Random } = {},
): Promise<StrategiesWorld> {
  const { origin, values, versions } = await startOrigin();
  const clock = new LeapingClock();
  const log = new MemoryLog({ clock });
  const maker = new MessageMaker({ sourceService: 'test', clock, newId: () => randomUUID() });
  const node = await startTestNode({
    subgraphs: { origin: origin.url },
    invalidationLog: log,
    clock,
    ...options,
    // A leap is no reason to distrust the log.
    cache: { maxStalenessMs: 600_000, ...options.cache },
  });
  return {
    node, clock, origin, values, versions, log,
    ask: (field, id) => node.ask(question(field), { variables: { id } }),
    loads: (id) => origin.calls.filter(({ variables }) =>
      Object.values(variables).includes(id)).length,
    async tell(make) {
      const position = await log.append(make(maker));
      const stands = (): boolean =>
        (parsePosition(node.gateway.status().position) ?? '') >= position;
      await until(stands, { what: `the node stands at ${formatPosition(position)}` });
    },
    async stop() {
      await node.stop();
      await origin.stop();
      await log.close();
    },
  };
}

export function question(field: string): string {
  return `query ($id: ID!) { ${field}(id: $id) { value } }`;
}

export function statusOf({ headers }: Answer): string {
  return headers.get('cache-status') ?? '';
}
