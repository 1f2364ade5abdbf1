/**
 * Queries to one subgraph that one request makes in the same tick travel as one.
 *
 * They are merged only within one GraphQL context, so no two callers' credentials ever meet. Each
 * gets back what it would have got alone: where the merged operation failed as a whole, because a
 * null went up to the root or the subgraph refused it, each is sent again by itself. What the
 * origin said beside the merged answer is said of each.
 */
import { createBatchingExecutor } from '@graphql-tools/batch-execute';
import type { ExecutionRequest, ExecutionResult, Executor } from '@graphql-tools/utils';
import { getOperationAST } from 'graphql';
import { Attachments } from '../attachments.ts';
import { originHeadersOf, withOriginHeaders } from './origin-headers.ts';
import { asOutage, isOutage } from './outage.ts';
import type { OriginHeaders } from './origin.ts';

/** More would make documents that a subgraph's own limits refuse. */
const MERGED_MAX = 20;

/** What one of the merged requests learns of how they fared together. */
interface Share {
  headers: OriginHeaders | undefined;
  /** The merged operation failed as a whole: this request has to go alone. */
  failed: boolean;
  /** The origin could not be reached, or failed. */
  outage: boolean;
}

/** The requests that one merged request stands for travel in its extensions. */
interface SharedExtensions {
  readonly shares: readonly Share[];
}

export function batchByContext(executor: Executor): Executor {
  const batchers = new Attachments<object, Executor>('batcher');
  const batcherOf = (context: object): Executor => {
    const known = batchers.get(context);
    if (known !== undefined) return known;
    const batcher = createBatcher(executor);
    batchers.set(context, batcher);
    return batcher;
  };
  const execute = (request: ExecutionRequest) => {
    const context: unknown = request.context;
    const mergeable = typeof context === 'object' && context !== null && isQuery(request);
    return mergeable ? executeShared(batcherOf(context), request) : executor(request);
  };
  const executeShared = async (batcher: Executor, request: ExecutionRequest) => {
    const share: Share = { headers: undefined, failed: false, outage: false };
    const extensions: SharedExtensions = { shares: [share] };
    const result = (await batcher({ ...request, extensions })) as ExecutionResult;
    if (share.failed) return executor(request) as Promise<ExecutionResult>;
    return withOriginHeaders(share.outage ? asOutage(result) : result, share.headers);
  };
  return execute as Executor;
}

function createBatcher(executor: Executor): Executor {
  const execute = async (request: ExecutionRequest): Promise<ExecutionResult> => {
    const { extensions, ...plain } = request;
    const { shares } = extensions as unknown as SharedExtensions;
    const result = (await executor(plain)) as ExecutionResult;
    const headers = originHeadersOf(result);
    const answered = headers !== undefined;
    for (const share of shares) {
      share.headers = headers;
      share.outage = isOutage(result);
      share.failed = shares.length > 1 && answered && (result.data ?? null) === null;
    }
    return result;
  };
  const options = { cache: false, maxBatchSize: MERGED_MAX };
  return createBatchingExecutor(execute as Executor, options, (merged, { extensions }) => {
    const all = (merged['shares'] ?? []) as readonly Share[];
    return { shares: [...all, ...(extensions as unknown as SharedExtensions).shares] };
  });
}

function isQuery({ document, operationType }: ExecutionRequest): boolean {
  return (operationType ?? getOperationAST(document)?.operation) === 'query';
}
