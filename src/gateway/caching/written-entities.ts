/**
 * Keeps what a mutation's answer shows of entities as what the next read of them would fetch, for
 * types and mutations that are declared to write through. Whether it may be kept is decided by
 * `WriteThrough` of the cache.
 */
import type { ExecutionResult } from 'graphql';
import type { RunningMutation, WriteThrough, Written } from '../../cache/write-through.ts';
import type { Position } from '../../invalidation/position.ts';
import type { OperationPlan, Variables } from '../../policy/plan.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';
import { EntityGroup, type EntityCache } from './entity-cache.ts';
import type { EntityForm, EntityForms } from './entity-forms.ts';
import type { Exchange } from './exchange.ts';
import { partOf } from './part.ts';
import { hasErrors } from './root-cache.ts';
import { audienceOf } from './scope.ts';
import { fieldName, shownEntities, type ShownEntity } from './shown-entities.ts';
import type { Subgraph } from './subgraph-request.ts';

export interface WrittenEntitiesOptions {
  readonly writeThrough: WriteThrough;
  readonly policy: Pick<SchemaPolicy, 'mutationWritesThrough'>;
  readonly forms: EntityForms;
  readonly entities: EntityCache;
  /** Whether entities are kept at all. */
  readonly enabled: boolean;
}

/** A mutation of a subgraph, and what came of it. */
export interface AnsweredMutation {
  readonly subgraph: Subgraph;
  readonly plan: OperationPlan;
  readonly variables: Variables;
  readonly exchange: Exchange;
  /** As it came, unharvested. */
  readonly result: ExecutionResult;
  /** Of its own purge. */
  readonly position: Position | undefined;
}

export class WrittenEntities {
  readonly #options: WrittenEntitiesOptions;

  constructor(options: WrittenEntitiesOptions) {
    this.#options = options;
  }

  /** To be called before a mutation is sent; undefined where nothing would come of it. */
  begin(): RunningMutation | undefined {
    const { forms, writeThrough, enabled } = this.#options;
    return !enabled || forms.isEmpty ? undefined : writeThrough.begin();
  }

  store(running: RunningMutation, mutation: AnsweredMutation): void {
    const { result, position, plan, variables, subgraph } = mutation;
    if (hasErrors(result)) return;
    const { data } = result;
    const { policy } = this.#options;
    const shown = shownEntities({
      schema: subgraph.schema, document: plan.completed, variables, data,
      isTelling: (field) => policy.mutationWritesThrough(field),
    });
    const written = shown.flatMap((entity) => this.#writtenOf(entity, mutation));
    running.store(withoutContradictions(written), position);
  }

  #writtenOf(entity: ShownEntity, mutation: AnsweredMutation): Written[] {
    const forms = this.#options.forms.of(mutation.subgraph.name, entity.type);
    return forms.flatMap((form) => this.#writtenAs(form, entity, mutation) ?? []);
  }

  /** Undefined where the answer does not show all that the form asks for. */
  #writtenAs(
    form: EntityForm,
    { type, fields }: ShownEntity,
    { exchange, result }: AnsweredMutation,
  ): Written | undefined {
    const { entities } = this.#options;
    const audience = audienceOf(form.plan.scope, exchange.caller);
    const representation: Record<string, unknown> = { __typename: type };
    for (const name of form.keyNames) {
      const value = fields.get(fieldName({ name, arguments: '{}' }));
      if (value === undefined || value === null) return undefined;
      representation[name] = value;
    }
    const entity: Record<string, unknown> = {};
    for (const field of form.fields) {
      const value = field.name === '__typename' ? type : fields.get(fieldName(field));
      if (value === undefined) return undefined;
      entity[field.responseKey] = value;
    }
    if (audience === undefined) return undefined;
    const { plan, variables } = form;
    const group = new EntityGroup(form.baseFor(audience), variables);
    const { key, tags } = entities.placeOf(representation, group);
    const data = { _entities: [entity] };
    const pick = (): unknown => data._entities[0];
    const request = { plan, variables, audience };
    return { key, fill: partOf(result, { request, data, pick, tags }).fill };
  }
}

/** An answer may show one entity as it was and as it is: which is which, nobody can tell. */
function withoutContradictions(all: readonly Written[]): readonly Written[] {
  const first = new Map<string, Written>();
  const contradicted = new Set<string>();
  for (const written of all) {
    const { id } = written.key;
    const before = first.get(id);
    if (before === undefined) first.set(id, written);
    else if (!before.fill.value.equals(written.fill.value)) contradicted.add(id);
  }
  return [...first.values()].filter(({ key }) => !contradicted.has(key.id));
}
