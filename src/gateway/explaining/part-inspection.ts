/** Gathers what would be looked for in the subgraphs' caches while an operation is explained. */
import {
  getOperationAST, Kind, type DocumentNode, type ExecutionResult, type FieldNode,
} from 'graphql';
import type { Inspector, Sighting } from '../../cache/inspector.ts';
import type { CacheKey } from '../../cache/key.ts';
import { ENTITIES_FIELD } from '../../policy/entity-types.ts';
import type { OperationPlan } from '../../policy/plan.ts';
import { reasonsOf, type Reasons } from '../../policy/reasons.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';
import type { InspectedFetch, InspectedPlaces, Inspection } from '../caching/inspection.ts';
import type { Audience } from '../caching/scope.ts';

/** What an answer is made of: the root fields that one subgraph is asked for, or an entity. */
export interface ExplainedPart {
  readonly kind: 'root' | 'entity';
  readonly subgraph: string;
  /** The root fields, or the tag of the entity. */
  readonly name: string;
  /** Why it is not kept at all; undefined where it is. */
  readonly why: 'uncacheable' | 'private' | 'disabled' | undefined;
  readonly rules: Rules;
  readonly sighting: Sighting | undefined;
}

/** What is said of it, and where that is said. */
export interface Rules extends Reasons {
  readonly strategy: OperationPlan['strategy'];
  /** Undefined: for nobody. */
  readonly audience: Audience | undefined;
}

const PARTS_MAX = 1_000;

export interface PartInspectionOptions {
  readonly inspector: Inspector;
  readonly policy: SchemaPolicy;
  readonly enabled: boolean;
}

export class PartInspection implements Inspection {
  readonly #options: PartInspectionOptions;
  readonly #parts = new Map<string, ExplainedPart>();
  /** Of a document, once for all entities that are asked for by it. */
  readonly #reasons = new Map<DocumentNode, Reasons>();
  /** False: what hangs on a part that is not there, or is beyond the limit, is not known. */
  isComplete = true;

  constructor(options: PartInspectionOptions) {
    this.#options = options;
  }

  get parts(): readonly ExplainedPart[] {
    return [...this.#parts.values()];
  }

  pass(fetch: InspectedFetch): ExecutionResult {
    this.isComplete = false;
    const { enabled } = this.#options;
    const why = !enabled ? 'disabled' : fetch.plan.ttlMs <= 0 ? 'uncacheable' : 'private';
    const fields = rootFieldsOf(fetch);
    const kind = fields.some(({ name }) => name.value === ENTITIES_FIELD) ? 'entity' : 'root';
    const part = { kind, why, name: nameOf(fields), sighting: undefined } as const;
    this.#add(`${this.#parts.size}`, fetch, part);
    return { data: null };
  }

  async look(fetch: InspectedPlaces): Promise<ExecutionResult> {
    if (!this.#options.enabled) return this.pass(fetch);
    const { places, kind } = fetch;
    const keys = places.map(({ key }) => key).slice(0, PARTS_MAX - this.#parts.size);
    if (keys.length < places.length) this.isComplete = false;
    const sightings = await this.#options.inspector.look(keys);
    const values = sightings.map((sighting, at) => {
      const name = places[at]?.tags[0] ?? nameOf(rootFieldsOf(fetch));
      this.#add(idOf(sighting.key), fetch, { kind, name, why: undefined, sighting });
      return this.#valueOf(sighting);
    });
    const missing = Array.from({ length: places.length - values.length }, () => null);
    if (kind === 'entity') return { data: { _entities: [...values, ...missing] } };
    return { data: (values[0] ?? null) as Record<string, unknown> | null };
  }

  #valueOf({ entry, verdict }: Sighting): unknown {
    if (entry !== undefined && (verdict === 'current' || verdict === 'expired')) {
      return JSON.parse(entry.value.toString()) as unknown;
    }
    this.isComplete = false;
    return null;
  }

  #add(
    id: string,
    { subgraph, document, plan, audience }: InspectedFetch,
    part: Pick<ExplainedPart, 'kind' | 'name' | 'why' | 'sighting'>,
  ): void {
    if (this.#parts.size >= PARTS_MAX) return;
    const { policy } = this.#options;
    const reasons = this.#reasons.get(document)
      ?? reasonsOf({ policy, schema: subgraph.schema, document });
    this.#reasons.set(document, reasons);
    const rules = { ...reasons, strategy: plan.strategy, audience };
    this.#parts.set(id, { ...part, subgraph: subgraph.name, rules });
  }
}

function idOf({ id }: CacheKey): string {
  return `key ${id}`;
}

function rootFieldsOf({ document }: InspectedFetch): readonly FieldNode[] {
  const selections = getOperationAST(document)?.selectionSet.selections ?? [];
  return selections.flatMap((selection) => (selection.kind === Kind.FIELD ? [selection] : []));
}

/** As their type names them, whatever the client calls them; of entities, their types. */
function nameOf(fields: readonly FieldNode[]): string {
  const names = fields.flatMap(({ name, selectionSet }) => {
    const types = (selectionSet?.selections ?? []).flatMap((selection) =>
      (selection.kind === Kind.INLINE_FRAGMENT ? selection.typeCondition?.name.value ?? [] : []));
    return name.value === ENTITIES_FIELD && types.length > 0 ? types : [name.value];
  });
  return [...new Set(names)].join(', ');
}
