/** `freshet compose`: the supergraph SDL of several services, to look at or to deploy. */
import { asJson, JSON_FLAG, UsageError, type Command } from './command.ts';
import { parseSubgraph, SUBGRAPH_FLAG } from './gateway-flags.ts';

const WAIT_FLAG = {
  name: 'wait',
  value: 'SECONDS',
  description: 'how long to wait for services that are not there yet (default 0)',
};

export const compose: Command = {
  name: 'compose',
  summary: 'print the supergraph of several services',
  flags: [SUBGRAPH_FLAG, WAIT_FLAG, JSON_FLAG],
  examples: [
    'freshet compose --subgraph users=http://localhost:4101/graphql \\\n' +
    '                --subgraph content=http://localhost:4102/graphql > supergraph.graphql',
  ],
  async run(values, { print }) {
    const subgraphs = (values.get(SUBGRAPH_FLAG.name) ?? []).map(parseSubgraph);
    if (subgraphs.length === 0) throw new UsageError('--subgraph: at least one was required');
    const seconds = values.get(WAIT_FLAG.name)?.at(-1) ?? '0';
    if (!/^\d{1,5}$/.test(seconds)) {
      throw new UsageError(`--wait: whole seconds were required, got ${JSON.stringify(seconds)}`);
    }
    const { ComposedSupergraph } = await import('../../gateway/supergraph/supergraph-subgraphs.ts');
    const patienceMs = Number(seconds) * 1_000;
    const { sdl, hash } = await new ComposedSupergraph({ subgraphs, patienceMs }).load();
    if (values.has(JSON_FLAG.name)) print(asJson({ supergraph: sdl, hash }));
    else print(sdl.endsWith('\n') ? sdl : `${sdl}\n`);
    return 0;
  },
};
