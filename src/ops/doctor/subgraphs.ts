/** Whether there is a supergraph, and its subgraphs answer. */
import { Kind, type DocumentNode } from 'graphql';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { exchangeHttp, HttpFailure } from '../../gateway/subgraph/bounded-http.ts';
import { supergraphSource } from '../../gateway/supergraph/supergraph-source.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import type { ExamineOptions } from './examine.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

interface Address {
  readonly name: string;
  readonly url: string;
}

const TIMEOUT_MS: Millis = 5_000;
const ANSWER_BYTES_MAX = 2 ** 20;

export async function examineSubgraphs(
  config: FreshetConfig,
  { clock, random }: ExamineOptions,
): Promise<readonly Finding[]> {
  const impatient = { ...config, subgraphWaitMs: 0, subgraphTimeoutMs: TIMEOUT_MS };
  let addresses = addressesOf(config);
  let supergraph: Finding;
  try {
    const source = supergraphSource(impatient, { clock, random });
    const { document, hash } = await source.load();
    addresses = config.subgraphs === undefined ? joined(document) : addresses;
    supergraph = ok('supergraph', `${source.description}, hash ${hash.slice(0, 8)}`);
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    supergraph = failed('supergraph', error.message,
      'No node starts without it. Look at the subgraphs below, or at supergraph.');
  }
  const answers = addresses.map((address) => examineSubgraph(address, clock));
  return [supergraph, ...await Promise.all(answers)];
}

function addressesOf({ subgraphs = {} }: FreshetConfig): readonly Address[] {
  return Object.entries(subgraphs).map(([name, { url }]) => ({ name, url }));
}

/** As `enum join__Graph` has them (Apollo's join specification, `@join__graph`). */
function joined({ definitions }: DocumentNode): readonly Address[] {
  const graphs = definitions.find((one) =>
    one.kind === Kind.ENUM_TYPE_DEFINITION && one.name.value === 'join__Graph');
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return [];
  return (graphs.values ?? []).flatMap(({ directives = [] }) => {
    const values = new Map(directives.find(({ name }) => name.value === 'join__graph')?.arguments
      ?.map(({ name, value }) => [name.value, 'value' in value ? String(value.value) : '']));
    const [name, url] = [values.get('name'), values.get('url')];
    return name === undefined || !url ? [] : [{ name, url }];
  });
}

async function examineSubgraph({ name, url }: Address, clock: Clock): Promise<Finding> {
  const check = `subgraph ${name}`;
  const at = shownUrl(url);
  const beganAt = clock.now();
  try {
    const { response: { status }, text } = await exchangeHttp({
      url,
      init: {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query: '{ __typename }' }),
      },
      fetch: globalThis.fetch,
      limits: { timeoutMs: TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX, retries: 0 },
      clock,
    });
    const tookMs = Math.round(clock.now() - beganAt);
    if (isGraphQL(text)) return ok(check, `${at} answers in ${tookMs} ms`);
    const found = `${at} answers with status ${status}, and not with GraphQL`;
    if (status === 401 || status === 403) {
      return warning(check, found, 'It wants credentials: what callers send is passed on to it.');
    }
    return failed(check, found, 'Is the path right?');
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    return failed(check, `${at}: ${error.message}`,
      'Start it, or correct its URL. What is cached of it may be served meanwhile.');
  }
}

function isGraphQL(text: string | undefined): boolean {
  try {
    const answer = JSON.parse(text ?? '') as { data?: unknown; errors?: unknown } | null;
    return answer?.data !== undefined || Array.isArray(answer?.errors);
  } catch {
    return false;
  }
}

/** Without credentials and query. */
function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'its URL' : `${parsed.origin}${parsed.pathname}`;
}
