/**
 * The options of the configuration as a list, read from the schema: for messages about faults, for
 * the names of environment variables, and for the documentation.
 */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

export interface ConfigOption {
  /** Where it stands; `*` is a name that the operator chooses, or a place in a list. */
  readonly path: readonly string[];
  readonly kind: 'integer' | 'number' | 'boolean' | 'text' | 'list' | 'group' | 'map';
  readonly description: string;
  /** What a value must be: `an integer from 0 to 65535`. */
  readonly required: string;
  /** Undefined where there is none. */
  readonly defaultValue: unknown;
  /** The value is never shown. */
  readonly secret: boolean;
}

/** All options, groups before what is in them, in the order of the schema. */
export const CONFIG_OPTIONS: readonly ConfigOption[] = listOptions();

/** The option that a place in a configuration belongs to. */
export function findOption(path: readonly PropertyKey[]): ConfigOption | undefined {
  return CONFIG_OPTIONS.find((option) =>
    option.path.length === path.length &&
    option.path.every((part, at) => part === '*' || part === path[at]));
}

/** What JSON Schema says of one place. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: unknown;
  readonly secret?: boolean;
}

function listOptions(): ConfigOption[] {
  const options: ConfigOption[] = [];
  const visit = (path: readonly string[], node: Node): void => {
    if (path.length > 0) options.push(optionOf(path, node));
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      visit([...path, name], child);
    }
    if (typeof node.additionalProperties === 'object') {
      visit([...path, '*'], node.additionalProperties);
    }
    if (node.items !== undefined) visit([...path, '*'], node.items);
  };
  visit([], z.toJSONSchema(configSchema, { unrepresentable: 'any' }) as Node);
  return options;
}

function optionOf(path: readonly string[], node: Node): ConfigOption {
  const kind = kindOf(node);
  return {
    path,
    kind,
    description: node.description ?? '',
    required: requiredOf(node, kind),
    defaultValue: node.default,
    secret: node.secret ?? false,
  };
}

function kindOf(node: Node): ConfigOption['kind'] {
  if (node.type === 'string') return 'text';
  if (node.type === 'array') return 'list';
  const isPlain = node.type === 'integer' || node.type === 'number' || node.type === 'boolean';
  if (isPlain) return node.type;
  assert.equal(node.type, 'object', 'an option is of a kind that is known here');
  return node.properties === undefined ? 'map' : 'group';
}

function requiredOf(node: Node, kind: ConfigOption['kind']): string {
  // On a group `required` is JSON Schema's own list of names.
  if (typeof node.required === 'string' && kind !== 'list') return node.required;
  if (kind === 'integer') return `an integer from ${node.minimum} to ${node.maximum}`;
  if (kind === 'number') return `a number from ${node.minimum} to ${node.maximum}`;
  if (kind === 'boolean') return 'true or false';
  if (kind === 'list') return `a list${eachOf(node.items)}`;
  if (kind === 'map') return `an object${eachOf(node.additionalProperties)}`;
  if (kind === 'group') return 'an object';
  return node.enum ? `one of ${node.enum.join(', ')}` : 'a text that is not empty';
}

function eachOf(node: Node | boolean | undefined): string {
  if (typeof node !== 'object') return '';
  return `, in it ${requiredOf(node, kindOf(node))}`;
}
