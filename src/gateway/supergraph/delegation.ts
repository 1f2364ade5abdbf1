/**
 * Asks a subgraph for a field of a query, or for entities. What is asked is written once for each
 * place in a document, and from then on only the variables are filled in: the stitching writes it
 * anew for each request, and then it has to be printed and looked up anew as well, which was a
 * quarter of what a federated query cost.
 */
import {
  createRequest, delegateToSchema, isSubschema, Transformer, type CreateProxyingResolverFn,
  type DelegationContext,
} from '@graphql-tools/delegate';
import {
  isAsyncIterable, mapAsyncIterator, type ExecutionRequest, type ExecutionResult,
} from '@graphql-tools/utils';
import { OperationTypeNode, type GraphQLResolveInfo } from 'graphql';
import { isDecidedByRequest } from './delegation-plans.ts';
import { WrittenRequests, type Delegation } from './written-requests.ts';

type Values = Readonly<Record<string, unknown>>;
type Given = [root: unknown, args: Values, context: object, info: GraphQLResolveInfo];

const written = new WrittenRequests();

/** Resolves a root field of a subgraph, in place of what @graphql-tools/wrap makes of it. */
export const delegatingResolver: CreateProxyingResolverFn<object> = (
  { subschemaConfig: schema, operation = OperationTypeNode.QUERY },
) => (...given) => {
  const [rootValue, args, context, info] = given as Given;
  const { fieldName, returnType } = info;
  return isSubschema(schema) && operation === OperationTypeNode.QUERY
    ? delegateQuery({ subschema: schema, fieldName, returnType, args, context, info })
    : delegateToSchema({ schema, operation, rootValue, args, context, info }) as unknown;
};

/** Resolves to what `delegateToSchema` resolves to. */
export async function delegateQuery(asked: Delegation): Promise<unknown> {
  const { executor, transforms, batch } = asked.subschema;
  // A transform may do with each request what it likes.
  const isPlain = executor !== undefined && transforms.length === 0 && batch !== true;
  if (!isPlain || isDecidedByRequest(asked.info.schema)) return byStitching(asked);
  const transformer = new Transformer(transformedBy(asked));
  const result = await executor(requestOf(asked, transformer));
  const taken = (one: ExecutionResult): unknown => transformer.transformResult(one);
  return isAsyncIterable(result) ? mapAsyncIterator(result, taken) : taken(result);
}

function byStitching({ subschema, ...asked }: Delegation): unknown {
  return delegateToSchema({ ...asked, schema: subschema, operation: OperationTypeNode.QUERY });
}

function requestOf(asked: Delegation, transformer: Transformer): ExecutionRequest {
  const known = written.of(asked);
  if (known === undefined) {
    const request = transformer.transformRequest(newRequest(asked));
    written.keep(asked, request);
    return request;
  }
  const { subschema, context, info } = asked;
  return {
    ...known,
    context,
    info: info as NonNullable<ExecutionRequest['info']>,
    operationType: OperationTypeNode.QUERY,
    rootValue: info.rootValue,
    ...(subschema.name !== undefined && { subgraphName: subschema.name }),
    ...(info.operation.name !== undefined && { operationName: info.operation.name.value }),
  };
}

function newRequest(asked: Delegation): ExecutionRequest {
  const { subschema, fieldName, args, context, info, selectionSet } = asked;
  return createRequest({
    subgraphName: subschema.name,
    fragments: Object.values(info.fragments),
    targetSchema: subschema.transformedSchema,
    rootValue: info.rootValue,
    ...(info.operation.name !== undefined && { targetOperationName: info.operation.name.value }),
    targetOperation: OperationTypeNode.QUERY,
    targetFieldName: fieldName,
    fieldNodes: [...info.fieldNodes],
    ...(selectionSet !== undefined && { selectionSet }),
    args: { ...args },
    context,
    info,
  });
}

function transformedBy({ subschema, ...asked }: Delegation): DelegationContext {
  return {
    ...asked,
    subschema,
    subschemaConfig: subschema,
    operation: OperationTypeNode.QUERY,
    targetSchema: subschema.schema,
    transformedSchema: subschema.transformedSchema,
    transforms: [],
    skipTypeMerging: asked.skipTypeMerging ?? false,
  };
}
