/** What is to be explained, as it stands in the form, in the URL, and in the request. */
import type { Parameters } from '../address.ts';

export interface Draft {
  readonly kind: 'operation' | 'key';
  readonly query: string;
  /** JSON; may be empty. */
  readonly variables: string;
  readonly operationName: string;
  /** A header a line; may hold credentials, so it never stands in a URL. */
  readonly headers: string;
  readonly key: string;
}

export function draftOf(parameters: Parameters): Draft {
  const { query = '', variables = '', key = '' } = parameters;
  return {
    kind: key !== '' && query === '' ? 'key' : 'operation',
    query, variables, key,
    operationName: parameters['operationName'] ?? '',
    headers: '',
  };
}

/** What a link to it holds. */
export function parametersOf({ kind, query, variables, operationName, key }: Draft): Parameters {
  return kind === 'key' ? { key } : { query, variables, operationName };
}

/** What keeps it from being asked, in words; undefined where nothing does. */
export function faultOf({ kind, query, variables, headers, key }: Draft): string | undefined {
  if (kind === 'key') return key.trim() === '' ? 'Name a key, or a tag.' : undefined;
  if (query.trim() === '') return 'Write a query.';
  if (readVariables(variables) === undefined) return 'Variables: an object in JSON is required.';
  const wrong = linesOf(headers).find((line) => !HEADER.test(line));
  return wrong === undefined ? undefined : `Headers: "name: value" is required in each line.`;
}

/** Of a draft without a fault. */
export function bodyOf({ kind, query, variables, operationName, headers, key }: Draft): object {
  if (kind === 'key') return { key: key.trim() };
  const named = linesOf(headers).map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  return {
    query,
    variables: readVariables(variables) ?? {},
    headers: Object.fromEntries(named),
    ...(operationName !== '' && { operation_name: operationName }),
  };
}

const HEADER = /^[\w!#$%&'*+.^`|~-]+\s*:/;

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

function readVariables(text: string): object | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
