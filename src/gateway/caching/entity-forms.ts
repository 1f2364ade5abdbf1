/**
 * The forms in which entities are asked for: by subgraph and type, the documents that the stitching
 * has sent, so that what a mutation's answer shows can be kept as what the next read would fetch.
 * Only of types that are declared to be written through, and only forms whose fields are plain:
 * what has a selection of its own may need more than the answer holds.
 *
 * It promises to remember no more than a bounded number, the least recently asked given up first.
 */
import { getOperationAST, Kind, type SelectionNode, type SelectionSetNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { canonicalJson } from '../../cache/key.ts';
import type { OperationPlan, Variables } from '../../policy/plan.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';
import { argumentsOf } from './shown-entities.ts';
import type { Audience } from './scope.ts';
import type { SubgraphRequest } from './subgraph-request.ts';

export interface EntityForm {
  readonly plan: OperationPlan;
  /** Of the document, without the representations. */
  readonly variables: Variables;
  readonly baseFor: (audience: Audience) => readonly unknown[];
  readonly fields: readonly FormField[];
  /** Members of a representation, besides `__typename`. */
  readonly keyNames: readonly string[];
}

export interface FormField {
  readonly responseKey: string;
  readonly name: string;
  /** Canonical JSON. */
  readonly arguments: string;
}

export interface AskedEntity {
  readonly request: SubgraphRequest;
  /** Without the representations. */
  readonly variables: Variables;
  readonly representation: Readonly<Record<string, unknown>>;
}

/** Types, each of one subgraph. */
const TYPES_MAX = 500;
/** Of one type; others are written through no more. */
const FORMS_MAX = 20;

export class EntityForms {
  readonly #policy: SchemaPolicy;
  readonly #forms = new LRUCache<string, LRUCache<string, EntityForm>>({ max: TYPES_MAX });

  constructor(policy: SchemaPolicy) {
    this.#policy = policy;
  }

  /** Whether there is anything to write through. */
  get isEmpty(): boolean {
    return this.#forms.size === 0;
  }

  of(subgraph: string, type: string): readonly EntityForm[] {
    return [...(this.#forms.peek(nameOf(subgraph, type))?.values() ?? [])];
  }

  remember(asked: AskedEntity): void {
    const { request, variables, representation } = asked;
    const type = representation['__typename'];
    if (typeof type !== 'string' || !this.#policy.writesThrough(type)) return;
    const name = nameOf(request.subgraph, type);
    const id = canonicalJson([request.text, Object.keys(representation), variables]);
    if (this.#forms.get(name)?.get(id) !== undefined) return;
    const form = this.#formOf(type, asked);
    if (form === undefined) return;
    const forms = this.#forms.get(name) ?? new LRUCache({ max: FORMS_MAX });
    forms.set(id, form);
    this.#forms.set(name, forms);
  }

  /** Undefined where an answer to a mutation could not make up for it. */
  #formOf(
    type: string,
    { request, variables, representation }: AskedEntity,
  ): EntityForm | undefined {
    const { plan, baseFor } = request;
    const keyNames = Object.keys(representation).filter((name) => name !== '__typename');
    const keys = this.#policy.keyFields(type).map((path) => path.join('.'));
    // More than the key is asked for where a field requires others.
    if (keyNames.length !== keys.length || !keys.every((key) => keyNames.includes(key))) return;
    const [entities] = getOperationAST(plan.completed)?.selectionSet.selections ?? [];
    if (entities?.kind !== Kind.FIELD || entities.selectionSet === undefined) return undefined;
    const fields = plainFields(entities.selectionSet, { type, variables });
    return fields && { plan, variables, baseFor, fields, keyNames };
  }
}

interface Selecting {
  readonly type: string;
  readonly variables: Variables;
}

function plainFields({ selections }: SelectionSetNode, of: Selecting): FormField[] | undefined {
  const fields: FormField[] = [];
  for (const selection of selections) {
    const found = plainField(selection, of);
    if (found === undefined) return undefined;
    fields.push(...found);
  }
  return fields;
}

function plainField(selection: SelectionNode, of: Selecting): FormField[] | undefined {
  if (selection.directives !== undefined && selection.directives.length > 0) return undefined;
  if (selection.kind === Kind.FRAGMENT_SPREAD) return undefined;
  if (selection.kind === Kind.INLINE_FRAGMENT) {
    const { typeCondition, selectionSet } = selection;
    if (typeCondition !== undefined && typeCondition.name.value !== of.type) return undefined;
    return plainFields(selectionSet, of);
  }
  if (selection.selectionSet !== undefined) return undefined;
  const name = selection.name.value;
  const responseKey = selection.alias?.value ?? name;
  return [{ responseKey, name, arguments: argumentsOf(selection, of.variables) }];
}

function nameOf(subgraph: string, type: string): string {
  return JSON.stringify([subgraph, type]);
}
