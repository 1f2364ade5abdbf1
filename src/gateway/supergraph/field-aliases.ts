/**
 * Lets clients call a field by the name of another: `{ user(id: 1) { id: name } }`. The stitching
 * asks each subgraph for key fields besides, under their own names, and takes what it finds there
 * for the keys; so such an alias is another one while the operation is executed, and the client's
 * own again in the answer.
 */
import { relocatedError } from '@graphql-tools/utils';
import {
  Kind, visit, type DocumentNode, type ExecutionArgs, type ExecutionResult, type GraphQLSchema,
} from 'graphql';

export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;

/** Executes as `execute` does, under aliases that no field of a schema bears. */
export function withoutFieldAliases(execute: Execute): Execute {
  return async (args) => {
    const { document, prefix } = renamed(args.document, args.schema);
    const result = await execute({ ...args, document });
    return prefix === undefined || Symbol.asyncIterator in result
      ? result
      : restored(result, prefix);
  };
}

interface Renamed {
  readonly document: DocumentNode;
  /** What now begins the aliases that were changed; undefined where none was. */
  readonly prefix: string | undefined;
}

const known = new WeakMap<GraphQLSchema, WeakMap<DocumentNode, Renamed>>();

function renamed(document: DocumentNode, schema: GraphQLSchema): Renamed {
  const documents = known.get(schema) ?? new WeakMap<DocumentNode, Renamed>();
  known.set(schema, documents);
  const before = documents.get(document);
  if (before !== undefined) return before;
  const made = rename(document, fieldNamesOf(schema));
  documents.set(document, made);
  return made;
}

function rename(document: DocumentNode, fieldNames: ReadonlySet<string>): Renamed {
  const aliases = new Set<string>();
  const isForeign = (alias: string, name: string): boolean =>
    alias !== name && fieldNames.has(alias);
  let found = false;
  visit(document, {
    Field({ alias, name }) {
      if (alias === undefined) return;
      aliases.add(alias.value);
      found ||= isForeign(alias.value, name.value);
    },
  });
  if (!found) return { document, prefix: undefined };
  let prefix = 'freshet_alias_';
  while (startsOne(prefix, [...aliases, ...fieldNames])) prefix += '_';
  const changed = visit(document, {
    Field(node) {
      const { alias, name } = node;
      if (alias === undefined || !isForeign(alias.value, name.value)) return undefined;
      const value = `${prefix}${alias.value}`;
      return { ...node, alias: { kind: Kind.NAME, value } as const };
    },
  });
  return { document: changed, prefix };
}

function startsOne(prefix: string, names: readonly string[]): boolean {
  return names.some((name) => name.startsWith(prefix));
}

const namesOfSchemas = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

function fieldNamesOf(schema: GraphQLSchema): ReadonlySet<string> {
  const before = namesOfSchemas.get(schema);
  if (before !== undefined) return before;
  const names = new Set(['__typename']);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !('getFields' in type)) continue;
    for (const name of Object.keys(type.getFields())) names.add(name);
  }
  namesOfSchemas.set(schema, names);
  return names;
}

function restored(result: ExecutionResult, prefix: string): ExecutionResult {
  const errors = result.errors?.map((error) => {
    const path = error.path?.map((key) => (typeof key === 'string' ? own(key, prefix) : key));
    return path === undefined ? error : relocatedError(error, path);
  });
  return {
    ...result,
    ...(result.data && { data: restoredValue(result.data, prefix) as ExecutionResult['data'] }),
    ...(errors && { errors }),
  } as ExecutionResult;
}

/** In the order of the selection, which a client may rely on (GraphQL, section 6.3). */
function restoredValue(value: unknown, prefix: string): unknown {
  if (Array.isArray(value)) return value.map((item) => restoredValue(item, prefix));
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  // Without a prototype, as the executor makes them: a key may be `__proto__`.
  const members = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) {
    members[own(key, prefix)] = restoredValue(member, prefix);
  }
  return members;
}

function own(key: string, prefix: string): string {
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
}

/** A custom scalar may be anything: a Date stays one. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
