/** Ways round the promises that somebody tried who wanted to break them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestNode, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
  node = await startTestNode({ subgraphs: world.subgraphs });
});

afterAll(async () => {
  await node.stop();
  await world.stop();
});

describe('a mutation of several fields', () => {
  test('shows in its last field what the second wrote, though the first had read it', async () => {
    world.people.set('series', person('series'));
    const create = (id: string): string =>
      `createPost(id: "${id}", title: "", authorId: "series") { author { name } }`;
    const { data } = await node.ask(`mutation {
      before: ${create('s1')}
      rename(id: "series", name: "new") { name }
      after: ${create('s2')}
    }`);
    expect(data.before.author.name).toBe('name of series');
    expect(data.after.author.name).toBe('new');
  });
});
