/** What the snippets of TypeScript take for given: the reader's own code. */
interface Surroundings {
  readonly page: string;
  /** A text of the snippet, by which it is found. */
  readonly holds: string;
  /** What is declared before it, so that it can be checked on its own. */
  readonly declares: string;
}

export const SURROUNDINGS: readonly Surroundings[] = [
  {
    page: 'README.md',
    holds: 'freshet.entityLoader',
    declares: `import type { GraphQLSchema } from 'graphql';
      declare const schema: GraphQLSchema;
      declare const db: {
        usersByIds(ids: readonly unknown[]): Promise<({ id: string } | null)[]>;
      };`,
  },
  {
    page: 'docs/publishing.md',
    holds: 'outbox.enqueue',
    declares: `declare const client: import('pg').Client;
      declare const [name, id]: [string, string];
      declare const process: { env: Record<'DATABASE_URL' | 'REDIS_URL', string> };`,
  },
  {
    page: 'docs/publishing.md',
    holds: 'onGap',
    declares: `declare function drop(message: object): void;
      declare const cache: { clear(): void };`,
  },
  {
    page: 'docs/publishing.md',
    holds: 'bus.cut()',
    declares: `import { expect } from 'vitest';
      import type { Publisher } from 'freshet-gateway/invalidation';
      declare function createApp(options: { users: object; publisher: Publisher }): object;
      declare const users: object;
      declare const payloadOfAnotherService: string;`,
  },
  {
    page: 'docs/conformance.md',
    holds: 'export async function purge',
    declares: `declare const cache: {
        invalidate(entities: { typename: string; id?: string }[]): Promise<void>;
      };`,
  },
];

/** Snippets that are also run, as programs of their own; each ends by itself. */
export const RUN: readonly Omit<Surroundings, 'declares'>[] = [
  { page: 'docs/publishing.md', holds: 'publisher.invalidateBatch([keys.user(7)' },
  { page: 'docs/configuration.md', holds: 'defineConfig' },
];
