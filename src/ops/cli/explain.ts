/** `freshet explain`: why an operation or a key is answered as it is. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { KeyAnswer, OperationAnswer } from '../admin/explain-answers.ts';
import {
  asJson, JSON_FLAG, lastOf, UsageError, type Command, type Flag, type FlagValues,
  type Surroundings,
} from './command.ts';
import { EXIT } from './exit-codes.ts';
import { textOfKey, textOfOperation } from './explain-text.ts';
import { OPERATORS_FLAGS, operatorsClient } from './operators-client.ts';

const VARIABLES_FLAG: Flag = {
  name: 'variables', value: 'JSON', description: "of the operation: '{\"id\":1}'",
};
const OPERATION_FLAG: Flag = {
  name: 'operation', value: 'NAME', description: 'which one, where the query holds several',
};
const HEADER_FLAG: Flag = {
  name: 'header',
  value: 'LINE',
  multiple: true,
  description: "NAME:VALUE of the caller; better from a file: 'authorization:@FILE'",
};

export const explain: Command = {
  name: 'explain',
  summary: 'say why a query or a key is answered as it is',
  argument: { name: 'QUERY_OR_KEY', description: "'{ users { name } }', user:123, or @FILE" },
  flags: [VARIABLES_FLAG, OPERATION_FLAG, HEADER_FLAG, ...OPERATORS_FLAGS, JSON_FLAG],
  notes: [
    'Nothing is asked of a subgraph, and nothing that is cached is changed or counted as used.',
    'What the process that answers holds in memory is told, and what is in Redis; not what other',
    'workers and other nodes hold in memory.',
  ],
  examples: [
    "freshet explain '{ product(id: 9) { price } }'",
    'freshet explain @query.graphql --variables \'{"id":9}\' --header authorization:@token-of-ann',
    'freshet explain product:9',
  ],
  async run(values, surroundings, words) {
    const [word = ''] = words;
    const text = contentOf(word, surroundings, 'QUERY_OR_KEY').trim();
    const client = operatorsClient(values, surroundings);
    const isQuery = /[{\s]/.test(text);
    const body = isQuery ? questionOf(text, values, surroundings) : keyOf(text, values);
    const answer = await client.request<OperationAnswer | KeyAnswer>(
      'POST', '/admin/cache/explain', body,
    );
    surroundings.print(values.has('json') ? asJson(answer)
      : answer.kind === 'key' ? textOfKey(answer, text) : textOfOperation(answer));
    return EXIT.done;
  },
};

function keyOf(key: string, values: FlagValues): object {
  const stray = [VARIABLES_FLAG, OPERATION_FLAG, HEADER_FLAG].find(({ name }) => values.has(name));
  if (stray !== undefined) throw new UsageError(`--${stray.name}: a query was required with it`);
  return { key };
}

function questionOf(query: string, values: FlagValues, surroundings: Surroundings): object {
  const operation = lastOf(values, OPERATION_FLAG);
  const headers = (values.get(HEADER_FLAG.name) ?? []).map((text) => {
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/s.exec(text) ?? [];
    if (name === '') throw new UsageError('--header: NAME:VALUE was required, got another text');
    return [name, contentOf(value, surroundings, '--header').trim()] as const;
  });
  return {
    query,
    variables: variablesOf(values, surroundings),
    ...(operation !== undefined && { operation_name: operation }),
    headers: Object.fromEntries(headers),
  };
}

function variablesOf(values: FlagValues, surroundings: Surroundings): object {
  const text = lastOf(values, VARIABLES_FLAG);
  if (text === undefined) return {};
  const required = '--variables: a JSON object was required, got another text';
  let parsed: unknown;
  try {
    parsed = JSON.parse(contentOf(text, surroundings, '--variables'));
  } catch (cause) {
    throw cause instanceof UsageError ? cause : new UsageError(required, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new UsageError(required);
}

/** The text, or what is in the file that `@` names. */
function contentOf(text: string, { directory }: Surroundings, what: string): string {
  if (!text.startsWith('@')) return text;
  try {
    return readFileSync(resolve(directory, text.slice(1)), 'utf8');
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${what}: a file that can be read was required, got ${code}`);
  }
}
