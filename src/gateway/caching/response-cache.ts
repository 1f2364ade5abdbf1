/**
 * Whole responses: the same operation with the same variables for the same audience is executed
 * once, and kept as the bytes that the client is sent. A plain class; `use-response-cache.ts` puts
 * it into Yoga.
 */
import assert from 'node:assert/strict';
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';
import type { Entry } from '../../cache/entry.ts';
import { responseKey } from '../../cache/key.ts';
import type { Fill, Outcome, ReadPath } from '../../cache/read-path.ts';
import type { Clock } from '../../invalidation/clock.ts';
import type { OperationPlan, Variables } from '../../policy/plan.ts';
import type { Auditor } from './auditor.ts';
import { bypassed, type Answer, type Bypass, type How } from './answer.ts';
import type { CachedContext, Exchange } from './exchange.ts';
import { isIncremental, operationKey } from './operation-key.ts';
import type { PlannedSchema } from './plan-cache.ts';
import { audienceOf, type Audience } from './scope.ts';
import type { Execute, Execution, Tagged, TaggedExecution } from './tagged-execution.ts';
import { orUnstorable, UnstorableResult } from './unstorable.ts';

export interface ResponseCacheOptions {
  readonly readPath: ReadPath;
  readonly clock: Clock;
  readonly execution: TaggedExecution;
  /** What an operation is cached by, under the schema that it was validated against. */
  readonly planned: (schema: GraphQLSchema) => PlannedSchema;
  /** False: every operation is executed; mutations still invalidate. */
  readonly enabled: () => boolean;
  /** Compares hits with what the origins say. Default none. */
  readonly auditor?: Auditor | undefined;
}

export class ResponseCache {
  readonly #options: ResponseCacheOptions;

  constructor(options: ResponseCacheOptions) {
    this.#options = options;
  }

  /** Answers from the cache, or by `execute`; how is told in the exchange. */
  async answer(args: ExecutionArgs, execute: Execute): Promise<ExecutionResult> {
    const { exchange } = args.contextValue as CachedContext;
    const { plans, hash } = this.#options.planned(args.schema);
    const plan = plans.of(args);
    exchange.executedUnder(args.schema);
    const audience = audienceOf(plan.scope, exchange.caller);
    const why = this.#bypassReason({ plan, audience, exchange, document: args.document });
    if (why !== undefined || audience === undefined) {
      exchange.answer = bypassed(why ?? 'private');
      return this.#executeUncached({ args, plan, exchange, execute });
    }
    const key = responseKey([...operationOf(args), audience.key, hash]);
    const asked: Asked = { args, plan, exchange, execute, audience };
    let fill: Fill | undefined;
    const load = async (): Promise<readonly Fill[]> => {
      fill = await this.#load(asked);
      return [fill];
    };
    const read = this.#options.readPath.read([key], load);
    return orUnstorable(
      read.then(([outcome]) => {
        assert(outcome !== undefined, 'one key, one outcome');
        exchange.answer = this.#answerOf(outcome, asked, fill);
        if (outcome.how === 'l1' || outcome.how === 'l2') this.#audit(outcome.entry, asked);
        return resultOf(outcome.value);
      }),
      (result) => {
        exchange.answer = unstored('error');
        return result;
      },
    );
  }

  #bypassReason({ plan, audience, exchange, document }: {
    plan: OperationPlan;
    audience: Audience | undefined;
    exchange: Exchange;
    document: DocumentNode;
  }): Bypass | undefined {
    if (plan.operation !== 'query') return plan.operation;
    if (plan.introspection) return 'introspection';
    if (isIncremental(document)) return 'incremental';
    if (!this.#options.enabled()) return 'disabled';
    if (plan.ttlMs <= 0) return 'uncacheable';
    if (audience === undefined) return 'private';
    return exchange.behind ? 'behind' : undefined;
  }

  async #executeUncached(execution: Parameters<TaggedExecution>[0]): Promise<ExecutionResult> {
    const { plan, args, exchange, execute } = execution;
    exchange.mutating = plan.operation === 'mutation';
    if (plan.operation !== 'mutation') return execute(args);
    const { result } = await this.#options.execution(execution);
    return result;
  }

  async #load(asked: Asked): Promise<Fill> {
    return fillOf(await this.#options.execution(asked), asked);
  }

  /** Has the origin asked again when nobody waits for it. */
  #audit(entry: Entry | undefined, asked: Asked): void {
    const { auditor, execution } = this.#options;
    const { args, exchange, audience } = asked;
    const isOwn = !audience.shared;
    if (entry === undefined || auditor?.picks({ isOwn }) !== true) return;
    const again = exchange.again(args.contextValue as object, audience);
    if (again === undefined) return;
    auditor.audit({
      entry,
      isOwn,
      reread: async () => (await execution(await inBackground(asked, again('audit')))).result,
    });
  }

  #answerOf(
    { how, entry, value, stored }: Outcome,
    { audience, exchange, plan }: Asked,
    fill: Fill | undefined,
  ): Answer {
    const now = this.#options.clock.now();
    const ttlMs = entry === undefined ? 0 : Math.max(0, entry.staleAt - now);
    const ageMs = entry === undefined ? 0 : Math.max(0, now - entry.readAt);
    const tags = entry?.tags ?? fill?.tags ?? [];
    const unstorable = exchange.parts.unstorable ?? (stored ? undefined : 'invalidated');
    const told = howOf({ how, stored, unstorable });
    const { shared } = audience;
    const isPublic = plan.scope === 'PUBLIC';
    return { how: told, body: value, shared, public: isPublic, ttlMs, ageMs, tags };
  }
}

/** An operation, and for whom its answer is kept. */
interface Asked extends Execution {
  readonly audience: Audience;
}

/** The same, in a context of its own. */
async function inBackground(asked: Asked, context: Promise<CachedContext>): Promise<Asked> {
  const contextValue = await context;
  const args: ExecutionArgs & { signal?: AbortSignal } = { ...asked.args, contextValue };
  // That of the client, which may leave.
  delete args.signal;
  return { ...asked, args, exchange: contextValue.exchange };
}

function operationOf({ document, operationName, variableValues }: ExecutionArgs): string[] {
  const variables: Variables = variableValues ?? {};
  return operationKey({ document, operationName: operationName ?? undefined, variables });
}

function howOf({ how, stored, unstorable }: Pick<Outcome, 'how' | 'stored'> & {
  unstorable: string | undefined;
}): How {
  switch (how) {
    case 'l1':
    case 'l2':
      return { kind: 'hit', tier: how };
    case 'stale':
      return { kind: 'hit', tier: 'l1' };
    case 'coalesced':
      return { kind: 'collapsed' };
    case 'loaded':
      return { kind: 'miss', stored, unstorable: stored ? undefined : unstorable };
    default:
      return how satisfies never;
  }
}

function unstored(unstorable: string): Answer {
  return { ...bypassed('uncacheable'), how: { kind: 'miss', stored: false, unstorable } };
}

/**
 * What is kept of a result: no longer than the first of its parts, nor than its audience; and it is
 * as old as the oldest of them, so that parts which were read too long ago to be served by a node
 * that does not hear the log are not served again as a new whole.
 */
function fillOf(tagged: Tagged, { args, plan, exchange, audience }: Asked): Fill {
  const variables: Variables = args.variableValues ?? {};
  const { result, tags } = tagged;
  if (result.errors !== undefined && result.errors.length > 0) {
    throw new UnstorableResult(result, { audience, caller: exchange.caller });
  }
  const ttlMs = Math.min(plan.ttlMs, exchange.parts.ttlMs, audience.ttlMsMax);
  // A PUBLIC field may be worked out from a PRIVATE one (`@requires`): the strictest wins.
  if (audience.shared && exchange.parts.isPrivate) exchange.parts.refuse('part-private');
  const unstorable = tagged.unstorable ?? exchange.parts.unstorable;
  const { data, extensions } = result;
  return {
    value: Buffer.from(JSON.stringify(extensions === undefined ? { data } : { data, extensions })),
    tags: [...new Set([...tags, ...plan.declaredTags(variables), ...audience.tags])],
    ttlMs: unstorable === undefined ? ttlMs : 0,
    readAt: exchange.parts.readAt,
    shareable: unstorable === undefined && ttlMs > 0,
  };
}

/** A result whose text is at hand; it is parsed only for who looks into it. */
function resultOf(body: Buffer): ExecutionResult {
  let parsed: ExecutionResult | undefined;
  const parse = (): ExecutionResult => (parsed ??= JSON.parse(body.toString()) as ExecutionResult);
  const result = { stringify: () => body.toString() };
  Object.defineProperty(result, 'data', { get: () => parse().data, enumerable: true });
  return result as ExecutionResult;
}
