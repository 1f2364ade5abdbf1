/**
 * Whole responses: the same operation with the same variables for the same audience is executed
 * once, and kept as the bytes that the client is sent. A plain class; `use-response-cache.ts` puts
 * it into Yoga.
 */
import assert from 'node:assert/strict';
import type { ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';
import type { Entry } from '../../cache/entry.ts';
import { ownBytesOf } from '../../cache/own-memory.ts';
import type { Fill, Load, Outcome, ReadPath, Use } from '../../cache/read-path.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { digestOf } from '../../invalidation/digest.ts';
import type { Variables } from '../../policy/plan.ts';
import type { Auditor } from './auditor.ts';
import { identityOf } from '../diagnostics.ts';
import { bypassed, type Answer, type How, type Kept } from './answer.ts';
import { bypassReason } from './bypass.ts';
import type { Again, CachedContext } from './exchange.ts';
import { lifetimeOfWhole, negativeTerms, useOf } from './lifetime.ts';
import { keyOfResponse, type Operation } from './operation-key.ts';
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
    exchange.operation = identityOf(args, plan);
    exchange.patience ??= this.#options.readPath.patience();
    const audience = audienceOf(plan.scope, exchange.caller);
    const { behind } = exchange;
    const { document } = args;
    const enabled = this.#options.enabled();
    const why = bypassReason({ plan, audience, document, enabled, behind });
    if (why !== undefined || audience === undefined) {
      exchange.answer = bypassed(why ?? 'private');
      return this.#executeUncached({ args, plan, exchange, execute });
    }
    const key = keyOfResponse(operationOf(args), { audience, hash });
    const asked: Asked = { args, plan, exchange, execute, audience };
    let own: Own | undefined;
    const load = async (): Promise<readonly Fill[]> => {
      own = await this.#load(asked);
      return [own.fill];
    };
    const again = exchange.again(args.contextValue as object, audience);
    const use: Use = {
      ...useOf(plan, { exchange, audience }),
      ...(again && { background: this.#backgroundOf(repeatable(asked), again) }),
    };
    const { earlyExpiry = 0, refreshHits = 0 } = use;
    const { operation } = exchange;
    const kept = { key, operation, schemaHash: hash, earlyExpiry, countsUses: refreshHits > 0 };
    const knowsL2 = exchange.absentBelow === key.id;
    const { patience } = exchange;
    const read = this.#options.readPath.read([key], load, { ...use, knowsL2, patience });
    return orUnstorable(
      read.then(([outcome]) => {
        assert(outcome !== undefined, 'one key, one outcome');
        exchange.answer = this.#answerOf(outcome, asked, { fill: own?.fill, kept });
        if (outcome.how === 'l1' || outcome.how === 'l2') this.#audit(outcome.entry, asked, again);
        return resultOf(outcome.value, own);
      }),
      (result) => {
        exchange.answer = unstored('error');
        return result;
      },
    );
  }

  async #executeUncached(execution: Parameters<TaggedExecution>[0]): Promise<ExecutionResult> {
    const { plan, args, exchange, execute } = execution;
    exchange.mutating = plan.operation === 'mutation';
    if (plan.operation !== 'mutation') return execute(args);
    const { result } = await this.#options.execution(execution);
    return result;
  }

  async #load(asked: Asked): Promise<Own> {
    const beganAt = this.#options.clock.now();
    const tagged = await this.#options.execution(asked);
    return ownOf(tagged, asked, beganAt);
  }

  /** Holds nothing else of the request: it may be kept for as long as what is loaded. */
  #backgroundOf(asked: Repeatable, again: Again): () => Load {
    return () => () => this.#reload(asked, again);
  }

  async #reload(asked: Repeatable, again: Again): Promise<readonly Fill[]> {
    const own = inContext(asked, await again('reload'));
    own.exchange.loadsEarly = asked.plan.strategy.earlyExpiry > 0;
    return [(await this.#load(own)).fill];
  }

  /** Has the origin asked again when nobody waits for it. */
  #audit(entry: Entry | undefined, asked: Asked, again: Again | undefined): void {
    const { auditor, execution } = this.#options;
    const isOwn = !asked.audience.shared;
    if (entry === undefined || again === undefined || auditor === undefined) return;
    if (!asked.exchange.chosen && !auditor.picks({ isOwn })) return;
    auditor.audit({
      entry,
      isOwn,
      reread: async () => (await execution(inContext(asked, await again('audit')))).result,
    });
  }

  #answerOf(
    { how, why, entry, value, stored }: Outcome,
    { audience, exchange, plan }: Asked,
    { fill, kept }: { fill: Fill | undefined; kept: Kept },
  ): Answer {
    const now = this.#options.clock.now();
    const ttlMs = entry === undefined ? 0 : entry.staleAt - now;
    const ageMs = entry === undefined ? 0 : Math.max(0, now - entry.readAt);
    const tags = entry?.tags ?? fill?.tags ?? [];
    const unstorable = exchange.parts.unstorable ?? (stored ? undefined : 'invalidated');
    const told = howOf({ how, why, stored, unstorable });
    const { shared } = audience;
    const isPublic = plan.scope === 'PUBLIC';
    return {
      how: told, body: value, digest: entry?.digest, shared, public: isPublic,
      ttlMs, ageMs, tags,
      kept: entry === undefined ? undefined : kept,
    };
  }
}

/** An operation, and for whom its answer is kept. */
interface Asked extends Execution {
  readonly audience: Audience;
}

/** What can be executed again. */
type Repeatable = Omit<Asked, 'exchange'>;

/** The operation alone. */
function repeatable({ args, plan, execute, audience }: Asked): Repeatable {
  const { schema, document, operationName, variableValues } = args;
  return { args: { schema, document, operationName, variableValues }, plan, execute, audience };
}

/** The same in another context, for which no client waits whose leaving could end it. */
function inContext(asked: Repeatable, contextValue: CachedContext): Asked {
  const { exchange } = contextValue;
  const { args } = repeatable({ ...asked, exchange });
  return { ...asked, args: { ...args, contextValue }, exchange };
}

function operationOf({ document, operationName, variableValues }: ExecutionArgs): Operation {
  const variables: Variables = variableValues ?? {};
  return { document, operationName: operationName ?? undefined, variables };
}

interface Told extends Pick<Outcome, 'how' | 'stored'> {
  readonly why: Outcome['why'] | undefined;
  readonly unstorable: string | undefined;
}

function howOf({ how, why = 'revalidating', stored, unstorable }: Told): How {
  switch (how) {
    case 'l1':
    case 'l2':
      return { kind: 'hit', tier: how };
    case 'stale':
      return { kind: 'stale', why };
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

/** What was loaded for this very read. */
interface Own {
  readonly fill: Fill;
  /** What the value is the bytes of. */
  readonly text: string;
}

function ownOf(tagged: Tagged, asked: Asked, beganAt: Millis): Own {
  const { args, plan, exchange, audience } = asked;
  const { parts } = exchange;
  const variables: Variables = args.variableValues ?? {};
  const { result, tags, versions, isOutage, isNegative } = tagged;
  if (result.errors !== undefined && result.errors.length > 0) {
    throw new UnstorableResult(result, { audience, caller: exchange.caller, isOutage });
  }
  const terms = isNegative ? negativeTerms(plan) : plan;
  const lifetime = lifetimeOfWhole(terms, { parts, audience, beganAt });
  const { ttlMs } = lifetime;
  // A PUBLIC field may be worked out from a PRIVATE one (`@requires`): the strictest wins.
  if (audience.shared && parts.isPrivate) parts.refuse('part-private');
  const unstorable = tagged.unstorable ?? parts.unstorable;
  const { data, extensions } = result;
  const shareable = unstorable === undefined && ttlMs > 0;
  const text = JSON.stringify(extensions === undefined ? { data } : { data, extensions });
  const value = ownBytesOf(text);
  const fill = {
    ...lifetime, value,
    ...(shareable && { digest: digestOf(value) }),
    tags: [...new Set([...tags, ...plan.declaredTags(variables), ...audience.tags])],
    versions,
    // Who waited may find something to share where it is only put off.
    ttlMs: unstorable === undefined ? ttlMs : parts.isPutOff ? Math.max(1, ttlMs) : 0,
    shareable,
  };
  return { fill, text };
}

/** A result whose text is at hand; it is parsed only for who looks into it. */
function resultOf(body: Buffer, own: Own | undefined): ExecutionResult {
  let parsed: ExecutionResult | undefined;
  const stringify = (): string => (own?.fill.value === body ? own.text : body.toString());
  const parse = (): ExecutionResult => (parsed ??= JSON.parse(stringify()) as ExecutionResult);
  const result = {
    stringify,
    get data() {
      return parse().data;
    },
  };
  return result as ExecutionResult;
}
