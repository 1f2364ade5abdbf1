/**
 * The requests to subgraphs that were written for places in documents. It promises: one is found
 * again only where another would be the same but for the values of its variables.
 */
import { getCoercedVariableValues, type Subschema } from '@graphql-tools/delegate';
import type { ExecutionRequest } from '@graphql-tools/utils';
import {
  BREAK, getNamedType, getOperationAST, Kind, print, visit, type DocumentNode, type FieldNode,
  type GraphQLError, type GraphQLNamedType, type GraphQLOutputType, type GraphQLResolveInfo,
  type OperationDefinitionNode, type SelectionSetNode, type ValueNode,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** What is to be asked of a subgraph, and for whom. */
export interface Delegation {
  readonly subschema: Subschema;
  /** Of the subgraph's query type. */
  readonly fieldName: string;
  readonly args: Values;
  /** The argument that is another one each time, which the client's document does not know of. */
  readonly eachTime?: string;
  /** Default: what is selected of the field that is resolved. */
  readonly selectionSet?: SelectionSetNode;
  readonly returnType: GraphQLOutputType;
  readonly context: object;
  readonly info: GraphQLResolveInfo;
  /** True: the value is not completed by other subgraphs. Default false. */
  readonly skipTypeMerging?: boolean;
  readonly onLocatedError?: (error: GraphQLError) => GraphQLError;
}

interface Written {
  /** What it was written for. */
  readonly operation: OperationDefinitionNode;
  readonly type: GraphQLNamedType;
  readonly args: readonly Argument[];
  /** What was written. */
  readonly document: DocumentNode;
  readonly variables: readonly string[];
}

interface Argument {
  readonly name: string;
  /** In what was written. */
  readonly variable: string;
  /** Where the value is from: of that name among the client's variables, or always the same. */
  readonly from: 'each request' | 'client' | 'document';
  /** Where it is always the same. */
  readonly value?: unknown;
}

/** For one place: an interface may stand for several types, and many subgraphs may know it. */
const EACH_MAX = 16;

/** By what is selected: a place in a document, or in a plan for it. */
type Places = WeakMap<object, Written[]>;

export class WrittenRequests {
  /** Documents outlive the schema of a supergraph that was replaced. */
  readonly #places = new WeakMap<Subschema, Places>();

  of(asked: Delegation): Pick<ExecutionRequest, 'document' | 'variables'> | undefined {
    const place = placeOf(asked);
    const known = place && this.#places.get(asked.subschema)?.get(place);
    if (known === undefined) return undefined;
    const clients = clientsValues(asked);
    const found = known.find((one) => isFor(one, asked, clients));
    if (found === undefined) return undefined;
    const variables: Record<string, unknown> = {};
    for (const name of found.variables) {
      if (clients[name] !== undefined) variables[name] = clients[name];
    }
    for (const { name, variable, from, value } of found.args) {
      if (from !== 'client') variables[variable] = from === 'document' ? value : asked.args[name];
    }
    return { document: found.document, variables };
  }

  keep(asked: Delegation, request: ExecutionRequest): void {
    const place = placeOf(asked);
    const written = writtenFrom(asked, request);
    if (place === undefined || written === undefined) return;
    const places: Places = this.#places.get(asked.subschema) ?? new WeakMap();
    this.#places.set(asked.subschema, places);
    const known = places.get(place) ?? [];
    if (known.length < EACH_MAX) places.set(place, [...known, written]);
  }
}

/** Of several fields that are one in the answer, none says alone what is selected. */
function placeOf({ selectionSet, info }: Delegation): object | undefined {
  const [field, ...others] = info.fieldNodes;
  return selectionSet ?? (others.length === 0 ? field : undefined);
}

function clientsValues({ info }: Delegation): Values {
  return getCoercedVariableValues(info.variableValues) ?? {};
}

function isFor(one: Written, asked: Delegation, clients: Values): boolean {
  const { info, returnType, args } = asked;
  return one.operation === info.operation
    && one.type === getNamedType(returnType)
    && one.args.length === Object.keys(args).length
    && one.args.every(({ name, variable, from }) => Object.hasOwn(args, name)
      && (from !== 'client' || clients[variable] === args[name]));
}

/** Undefined where another one could differ in more than the values of its variables. */
function writtenFrom(asked: Delegation, request: ExecutionRequest): Written | undefined {
  const { document } = request;
  const { info, returnType } = asked;
  const [root, ...others] = getOperationAST(document)?.selectionSet.selections ?? [];
  if (root?.kind !== Kind.FIELD || others.length > 0) return undefined;
  // What the stitching has renamed it names back only in the answer to a request of its own.
  if (/_(nullable|nonNullable)_/.test(print(document))) return undefined;
  const variables = request.variables as Values | undefined;
  const args = Object.keys(asked.args).map((name) =>
    argumentOf(name, asked, { root, variables }));
  if (args.includes(undefined)) return undefined;
  return {
    document,
    operation: info.operation,
    type: getNamedType(returnType),
    args: args as readonly Argument[],
    variables: (getOperationAST(document)?.variableDefinitions ?? [])
      .map(({ variable }) => variable.name.value),
  };
}

function argumentOf(
  name: string,
  { info, eachTime }: Delegation,
  { root, variables }: { root: FieldNode; variables: Values | undefined },
): Argument | undefined {
  const now = root.arguments?.find((argument) => argument.name.value === name)?.value;
  const asked = info.fieldNodes[0]?.arguments?.find((argument) => argument.name.value === name);
  if (now?.kind !== Kind.VARIABLE) return undefined;
  const variable = now.name.value;
  if (name === eachTime) return { name, variable, from: 'each request' };
  if (asked === undefined || isConstant(asked.value)) {
    return { name, variable, from: 'document', value: variables?.[variable] };
  }
  const isSame = asked.value.kind === Kind.VARIABLE && asked.value.name.value === variable;
  return isSame ? { name, variable, from: 'client' } : undefined;
}

function isConstant(value: ValueNode): boolean {
  let found = true;
  visit(value, {
    Variable() {
      found = false;
      return BREAK;
    },
  });
  return found;
}
