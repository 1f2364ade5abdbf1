/** Tells on the channel of requests how they were answered, where anybody listens. */
import type { Clock, Millis } from '../../invalidation/clock.ts';
import type { Tier } from '../../cache/tiers.ts';
import { Attachments } from '../attachments.ts';
import {
  requestAnswered, type OperationIdentity, type RequestOutcome,
} from '../diagnostics.ts';
import type { Answer } from './answer.ts';
import type { Exchange } from './exchange.ts';

export interface Hit {
  readonly operation: OperationIdentity;
  readonly shared: boolean;
  readonly tier: Tier;
  readonly durationMs: Millis;
}

/** Of a request that Yoga did not see. */
export function reportHit({ operation, shared, tier, durationMs }: Hit): void {
  requestAnswered.publish({
    outcome: tier === 'l1' ? 'hit_l1' : 'hit_l2',
    durationMs,
    operation,
    why: undefined,
    isPrivate: !shared,
    subgraphCalls: 0,
    subgraphCallsSaved: operation.missCalls,
  });
}

export interface Ended {
  /** Of its operations that got so far as to have one; none: it was refused. */
  readonly exchanges: readonly Exchange[];
  /** Of HTTP. */
  readonly status: number;
}

interface Responded extends Pick<Ended, 'status'> {
  readonly durationMs: Millis;
}

/** Of GraphQL over HTTP. */
const METHODS = ['GET', 'POST'];

/** Of requests that Yoga answers. */
export class RequestReports {
  readonly #clock: Clock;
  readonly #begun = new Attachments<Request, Millis>('begun');

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `beganAt`: where somebody else has looked at it before. */
  begin(request: Request, beganAt: Millis = this.#clock.now()): void {
    if (METHODS.includes(request.method)) this.#begun.set(request, beganAt);
  }

  end(request: Request, { exchanges, status }: Ended): void {
    const beganAt = this.#begun.get(request);
    if (beganAt === undefined || !requestAnswered.hasSubscribers) return;
    const responded = { status, durationMs: this.#clock.now() - beganAt };
    if (exchanges.length === 0) requestAnswered.publish(refusalOf(responded));
    for (const exchange of exchanges) reportAnswer(exchange, responded);
  }
}

function reportAnswer(exchange: Exchange, { status, durationMs }: Responded): void {
  const { operation, subgraphCalls, answer, streaming } = exchange;
  const outcome = status >= 500 ? 'error' : exchange.failure ?? outcomeOf(exchange);
  if (operation !== undefined && outcome === 'miss') operation.missCalls = subgraphCalls;
  const missCalls = operation?.missCalls ?? 0;
  requestAnswered.publish({
    outcome,
    durationMs,
    operation,
    why: streaming ? 'subscription' : answer && whyOf(answer),
    isPrivate: answer?.kept !== undefined && !answer.shared,
    keptAs: answer?.kept?.key.id,
    subgraphCalls,
    subgraphCallsSaved: SAVING.includes(outcome) ? Math.max(0, missCalls - subgraphCalls) : 0,
  });
}

const SAVING: readonly RequestOutcome[] = ['hit_l1', 'hit_l2', 'partial', 'stale', 'coalesced'];

function outcomeOf({ answer, parts, streaming }: Exchange): RequestOutcome {
  if (answer === undefined) return streaming ? 'bypass' : 'refused';
  const { how } = answer;
  switch (how.kind) {
    case 'hit':
      return how.tier === 'l1' ? 'hit_l1' : 'hit_l2';
    case 'stale':
      return 'stale';
    case 'collapsed':
      return 'coalesced';
    case 'miss':
      return parts.found > 0 ? 'partial' : 'miss';
    case 'bypass':
      return 'bypass';
    default:
      return how satisfies never;
  }
}

function whyOf({ how }: Answer): string | undefined {
  if (how.kind === 'miss') return how.unstorable;
  return how.kind === 'bypass' || how.kind === 'stale' ? how.why : undefined;
}

function refusalOf({ status, durationMs }: Responded) {
  return {
    outcome: status >= 500 ? 'error' : 'refused',
    durationMs,
    operation: undefined,
    why: undefined,
    isPrivate: false,
    subgraphCalls: 0,
    subgraphCallsSaved: 0,
  } as const;
}
