/**
 * Which subgraph is asked for which fields of an entity is planned once for a document. The
 * stitching remembers its plans by the variables of the request, which are another object with
 * each request: with any variables, it planned each time. But a plan depends only on the
 * variables that `@skip` and `@include` may read, which are the Boolean ones (GraphQL
 * specification, 3.13.1 and 3.13.2); by those the plans are remembered here.
 */
import assert from 'node:assert/strict';
import {
  getCoercedVariableValues, leftOverByDelegationPlan, type DelegationPlanBuilder,
  type MergedTypeInfo, type StitchingInfo,
} from '@graphql-tools/delegate';
import {
  Kind, type GraphQLSchema, type OperationDefinitionNode, type TypeNode,
} from 'graphql';

type Variables = Record<string, unknown>;

interface Conditions {
  readonly names: readonly string[];
  /** By what they say, as a text. */
  readonly known: Map<string, Variables>;
}

/** Of one document: six conditions in all ways. */
const WAYS_MAX = 64;

const conditionsOf = new WeakMap<OperationDefinitionNode, Conditions>();

/** Changes what `schema` plans with, and returns it. */
export function sharePlans(schema: GraphQLSchema): GraphQLSchema {
  if (isDecidedByRequest(schema)) return schema;
  for (const type of Object.values(stitchingOf(schema).mergedTypes)) {
    type.delegationPlanBuilder = sharing(type);
  }
  return schema;
}

const decided = new WeakMap<GraphQLSchema, boolean>();

/** With `@override(label:)`, it is the label that says for each request whom a field is of. */
export function isDecidedByRequest(schema: GraphQLSchema): boolean {
  const known = decided.get(schema);
  if (known !== undefined) return known;
  const subschemas = [...stitchingOf(schema).subschemaMap.values()];
  const fields = subschemas.flatMap(({ merge = {} }) =>
    Object.values(merge).flatMap((type) => Object.values(type.fields ?? {})));
  const isDecided = fields.some(({ override }) => override !== undefined);
  decided.set(schema, isDecided);
  return isDecided;
}

function stitchingOf(schema: GraphQLSchema): StitchingInfo {
  const stitching = schema.extensions['stitchingInfo'] as StitchingInfo | undefined;
  assert(stitching !== undefined, 'the schema was stitched');
  return stitching;
}

function sharing({ delegationPlanBuilder: build }: MergedTypeInfo): DelegationPlanBuilder {
  return (...given) => {
    const [schema, source, variables, ...others] = given;
    const info = others[3];
    const planBy = (some: Variables) => build(schema, source, some, ...others);
    const conditions = info && conditionsIn(info.operation, variables);
    if (conditions === undefined) return planBy(variables);
    const plan = planBy(conditions);
    // One with fields that have to wait is a list of who waits, too: it is for one request.
    const isOfRequest = leftOverByDelegationPlan.has(plan);
    return isOfRequest ? planBy(getCoercedVariableValues(info?.variableValues) ?? {}) : plan;
  };
}

/** The same object each time, with the variables that a plan may depend on. */
function conditionsIn(
  operation: OperationDefinitionNode,
  variables: Variables,
): Variables | undefined {
  const { names, known } = conditionsOf.get(operation) ?? readConditions(operation);
  const text = names.map((name) => String(variables[name])).join();
  const conditions = known.get(text)
    ?? Object.fromEntries(Object.entries(variables).filter(([name]) => names.includes(name)));
  if (known.size < WAYS_MAX) known.set(text, conditions);
  return known.has(text) ? conditions : undefined;
}

function readConditions(operation: OperationDefinitionNode): Conditions {
  const names = (operation.variableDefinitions ?? [])
    .filter(({ type }) => isBoolean(type))
    .map(({ variable }) => variable.name.value);
  const conditions = { names, known: new Map<string, Variables>() };
  conditionsOf.set(operation, conditions);
  return conditions;
}

function isBoolean(type: TypeNode): boolean {
  const nullable = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  return nullable.kind === Kind.NAMED_TYPE && nullable.name.value === 'Boolean';
}
