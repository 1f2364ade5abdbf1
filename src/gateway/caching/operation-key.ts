/**
 * What makes two requests the same: the operation in one normal form, its name, and the variables
 * that it declares, in canonical order with their defaults filled in.
 */
import {
  getOperationAST,
  Kind,
  print,
  valueFromASTUntyped,
  visit,
  type DocumentNode,
} from 'graphql';
import { canonicalJson, responseKey, type CacheKey } from '../../cache/key.ts';
import type { Variables } from '../../policy/plan.ts';
import { digestOf } from '../../invalidation/digest.ts';
import type { Audience } from './scope.ts';

const texts = new WeakMap<DocumentNode, string>();

/** The document without what has no meaning: white space, commas, comments. */
export function normalText(document: DocumentNode): string {
  const known = texts.get(document);
  if (known !== undefined) return known;
  const text = print(document);
  texts.set(document, text);
  return text;
}

/** `normalText`, the same whatever a query is called: its answer does not depend on that. */
export function unnamedText(document: DocumentNode): string {
  const text = normalText(document);
  const [first] = document.definitions;
  const name = first?.kind === Kind.OPERATION_DEFINITION ? first.name?.value : undefined;
  const head = `query ${name}`;
  if (name === undefined || !text.startsWith(head)) return text;
  const rest = text.slice(head.length);
  if (rest.startsWith('(')) return `query ${rest}`;
  return rest.startsWith(' {') ? rest.slice(1) : `query${rest}`;
}

const digests = new WeakMap<DocumentNode, string>();

/** Stands for `unnamedText` in keys: hashed once, and not with each of them. */
export function unnamedDigest(document: DocumentNode): string {
  const digest = digests.get(document) ?? digestOf(unnamedText(document));
  digests.set(document, digest);
  return digest;
}

export interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Variables;
}

/** Variables that the operation does not declare change nothing, so they are left out. */
export function operationKey({ document, operationName, variables }: Operation): string[] {
  const operation = getOperationAST(document, operationName);
  // Without a prototype, which a variable named `__proto__` would set instead of a member.
  const used = Object.create(null) as Record<string, unknown>;
  for (const { variable, defaultValue } of operation?.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (Object.hasOwn(variables, name)) used[name] = variables[name];
    else if (defaultValue !== undefined) used[name] = valueFromASTUntyped(defaultValue);
  }
  const named = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const name = named.length > 1 ? (operation?.name?.value ?? '') : '';
  return [normalText(document), name, canonicalJson(used)];
}

/** Where the whole answer to the operation is kept, for that audience and under that schema. */
export function keyOfResponse(
  operation: Operation,
  { audience, hash }: { audience: Audience; hash: string },
): CacheKey {
  return responseKey([...operationKey(operation), audience.key, hash]);
}

const INCREMENTAL = ['defer', 'stream'];
const incremental = new WeakMap<DocumentNode, boolean>();

/** Whether the answer comes in pieces (`@defer`, `@stream`). */
export function isIncremental(document: DocumentNode): boolean {
  const known = incremental.get(document);
  if (known !== undefined) return known;
  let found = false;
  visit(document, {
    Directive({ name }) {
      found ||= INCREMENTAL.includes(name.value);
    },
  });
  incremental.set(document, found);
  return found;
}

/** The document whose answer comes as a whole, as a server may choose to give it. */
export function inOnePiece(document: DocumentNode): DocumentNode {
  if (!isIncremental(document)) return document;
  return visit(document, {
    Directive: ({ name }) => (INCREMENTAL.includes(name.value) ? null : undefined),
  });
}
