/** A recipe as its page starts it: its service, two nodes of its configuration, a Redis. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { RecipeOptions, RecipeService } from '../../examples/recipes/subgraph.ts';
import type { FreshetOptions } from '../../src/gateway/config/config.ts';
import { askAt, startTestNode, type Answer, type AskOptions, type TestNode } from '../e2e/fleet.ts';
import { startRedis } from '../support/redis.ts';

export interface Recipe {
  readonly service: RecipeService;
  readonly nodes: readonly [TestNode, TestNode];
  /** Changes something behind the gateway's back: in the service itself. */
  change(mutation: string): Promise<Answer['data']>;
  /** Asks both nodes, as one who has seen all changes. */
  ask(query: string, options?: AskOptions): Promise<readonly [Answer, Answer]>;
  /** Both nodes hold it from now on. */
  keep(...queries: readonly Question[]): Promise<void>;
  /** Both nodes answer from their caches. */
  expectKept(...queries: readonly Question[]): Promise<void>;
  /** Both nodes answer this, the first of them from the service. */
  expectFresh(query: Question, data: unknown): Promise<void>;
  stop(): Promise<void>;
}

export type Question = string | readonly [query: string, options: AskOptions];

export async function startRecipe(
  name: string,
  startService: (options: RecipeOptions) => Promise<RecipeService>,
): Promise<Recipe> {
  const redis = await startRedis();
  const service = await startService({ redis: redis.url, port: 0 });
  const node = () => startTestNode({
    ...configOf(name), subgraphs: { [name]: service.url }, redis: { url: redis.url },
  });
  const nodes = [await node(), await node()] as const;
  let position: string | undefined;

  const ask: Recipe['ask'] = async (query, options = {}) => {
    const headers = { ...position && { 'freshet-position': position }, ...options.headers };
    const [first, second] = nodes;
    // One after the other: what the first one reads, the second one finds in Redis.
    return [
      await first.ask(query, { ...options, headers }),
      await second.ask(query, { ...options, headers }),
    ];
  };
  const each = (question: Question) =>
    (typeof question === 'string' ? ask(question) : ask(...question));

  const expectKept: Recipe['expectKept'] = async (...questions) => {
    for (const question of questions) {
      const answers = await each(question);
      expect(answers.map(({ cache }) => cache), JSON.stringify(question)).toEqual(['hit', 'hit']);
    }
  };

  return {
    service, nodes, ask, expectKept,
    async change(mutation) {
      const { errors, headers, data } = await askAt(service.url, mutation);
      expect(errors).toBeUndefined();
      position = headers.get('freshet-position') ?? position;
      return data;
    },
    async keep(...questions) {
      for (const question of questions) {
        await each(question);
        await expectKept(question);
      }
    },
    async expectFresh(question, data) {
      const answers = await each(question);
      for (const { errors, data: got } of answers) expect({ errors, got }).toEqual({ got: data });
      expect(answers[0].cache, JSON.stringify(question)).toBe('miss');
    },
    async stop() {
      for (const one of nodes) await one.stop();
      await service.close();
      await redis.stop();
    },
  };
}

function configOf(name: string): Partial<FreshetOptions> {
  const file = new URL(`../../examples/recipes/${name}/freshet.config.yaml`, import.meta.url);
  return parse(readFileSync(file, 'utf8')) as Partial<FreshetOptions>;
}
