/**
 * Where it can be heard how requests were answered (`node:diagnostics_channel`): by metrics, and by
 * whoever else counts. Nobody here knows who listens, and where nobody does, it costs nothing.
 *
 * `freshet:request` tells once of each operation that was answered, whichever way: by the hit path,
 * by Yoga, or with a refusal. What was no GraphQL request at all (another path, another method, a
 * body that is too large) is not told. The subscribers are called before the answer has left, for
 * hits in less than a microsecond: they are to count, and no more.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import { getOperationAST, Kind, type DocumentNode, type ExecutionArgs } from 'graphql';
import { hashOf } from '../cache/key.ts';
import type { Millis } from '../invalidation/clock.ts';
import type { OperationPlan } from '../policy/plan.ts';
import { normalText } from './caching/operation-key.ts';

/** How a request was answered. */
export const REQUEST_OUTCOMES = [
  /** From the memory of this process. */
  'hit_l1',
  /** From Redis. */
  'hit_l2',
  /** The whole was not there; some of its parts were. */
  'partial',
  /** All of it was read from origins. */
  'miss',
  /** The cache was not asked for the whole: `why` tells the reason. */
  'bypass',
  /** From the cache, past its time to live, within a window that allows it. */
  'stale',
  /** By what an equal request, a moment earlier, read from origins. */
  'coalesced',
  /** It was executed, and the answer holds errors. */
  'error',
  /** It was not executed: it is not valid, beyond a limit, or not allowed. */
  'refused',
] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

export interface RequestAnswered {
  readonly outcome: RequestOutcome;
  /** From when it had been read to when its answer was there, or a stream began. */
  readonly durationMs: Millis;
  /** Undefined where nothing was found that could be executed. */
  readonly operation: OperationIdentity | undefined;
  /**
   * Why it was not answered from the cache, or is not kept there: of a bypass as `Bypass` in
   * `caching/answer.ts`, else what `Cache-Status` tells as its detail.
   */
  readonly why: string | undefined;
  /** What it was answered with is kept for its caller alone. */
  readonly isPrivate: boolean;
  /** Fetches from subgraphs; those of one tick and one subgraph travel as one HTTP request. */
  readonly subgraphCalls: number;
  /** Fetches that it did not need: the last equal operation that found nothing needed them. */
  readonly subgraphCallsSaved: number;
  /** The id of the key of its answer, where it is kept; of a hit of the hit path it is not told. */
  readonly keptAs?: string | undefined;
}

export const requestAnswered = channel('freshet:request') as Channel<unknown, RequestAnswered>;

/** What was asked, whatever its variables: one object for each document and operation name. */
export class OperationIdentity {
  readonly kind: OperationPlan['operation'];
  readonly name: string | undefined;
  /** For whom the schema declares its answer to be. */
  readonly scope: OperationPlan['scope'];
  /** The entity types that it touches, as the schema spells them. */
  readonly types: readonly string[];
  /** Fetches of the last one that found nothing in the cache; 0 where none is known. */
  missCalls = 0;
  /** The same for all spellings of it, in all processes. */
  readonly id: string;
  readonly #document: WeakRef<DocumentNode>;

  constructor({ document, operationName }: Named, { operation, scope, types }: OperationPlan) {
    const named = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    this.#document = new WeakRef(document);
    this.name = getOperationAST(document, operationName)?.name?.value;
    this.kind = operation;
    this.scope = scope;
    this.types = types;
    const choice = named.length > 1 ? this.name ?? '' : '';
    this.id = hashOf([normalText(document), choice]).slice(0, ID_LENGTH);
  }

  /**
   * The text of its document in one normal form, with the literals that the client wrote, without
   * variables. Undefined once the document is no longer kept: who needs it later keeps it.
   */
  get text(): string | undefined {
    const document = this.#document.deref();
    return document && normalText(document);
  }
}

/** 72 bits: enough to tell operations apart, and short enough to be read out. */
const ID_LENGTH = 12;

type Named = Pick<ExecutionArgs, 'document' | 'operationName'>;

const identities = new WeakMap<OperationPlan, OperationIdentity>();

/** `plan`: what is planned for `named`. */
export function identityOf(named: Named, plan: OperationPlan): OperationIdentity {
  const known = identities.get(plan);
  if (known !== undefined) return known;
  const identity = new OperationIdentity(named, plan);
  identities.set(plan, identity);
  return identity;
}
