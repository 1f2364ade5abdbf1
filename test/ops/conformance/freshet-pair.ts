/** Two nodes of our gateway on one Redis, before the kit's origin; the second can be cut off. */
import { startTestNode, type NodeOptions, type TestNode } from '../../e2e/fleet.ts';
import { freePort } from '../../support/process.ts';
import { startRedis } from '../../support/redis.ts';

export interface FreshetPair {
  /** Begins to start them; they wait for the origin. */
  start(): Promise<void>;
  /** For the kit. */
  readonly args: readonly string[];
  /** Those of the adapter that publishes on Redis. */
  readonly redisArgs: readonly string[];
  stop(): Promise<void>;
}

export async function freshetPair(options: Partial<NodeOptions> = {}): Promise<FreshetPair> {
  const redis = await startRedis();
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [originPort, relayPort, ...nodePorts] = ports as [number, number, ...number[]];
  const nodes: Promise<TestNode>[] = [];
  return {
    async start() {
      const subgraphs = { kit: `http://127.0.0.1:${originPort}/subgraph` };
      const urls = [redis.url, `redis://127.0.0.1:${relayPort}`];
      for (const [at, port] of nodePorts.entries()) {
        const subgraphWaitMs = 30_000;
        const url = urls[at] ?? redis.url;
        nodes.push(startTestNode({ subgraphs, redis: url, port, subgraphWaitMs, ...options }));
      }
      await Promise.all(nodes);
    },
    args: [
      ...nodePorts.flatMap((port) => ['--target', `http://127.0.0.1:${port}/graphql`]),
      '--origin-port', String(originPort),
      '--relay', `${relayPort}=127.0.0.1:${redis.port}`,
    ],
    redisArgs: ['--adapter', 'freshet-redis', '--redis', redis.url],
    async stop() {
      for (const node of await Promise.allSettled(nodes)) {
        if (node.status === 'fulfilled') await node.value.stop();
      }
      await redis.stop();
    },
  };
}
