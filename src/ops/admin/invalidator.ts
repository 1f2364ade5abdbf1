/**
 * Carries out what operators ask: one record in the log for each request, and of a dry run none.
 *
 * It promises: asked again under the same `request_id`, it gives the first answer and appends
 * nothing, on this node for an hour, on others too as far as the log tells them; what it answers
 * with success is in the log; a webhook is one record, and refused once it is known to be taken.
 */
import type { Operations } from '../../gateway/operations.ts';
import { together, type Survey } from '../../gateway/survey.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import type { InvalidationMessage } from '../../invalidation/message.ts';
import { patternText } from '../../invalidation/pattern.ts';
import type { Position } from '../../invalidation/position.ts';
import { RecentlySeen } from '../../invalidation/recently-seen.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import { DoorMetrics, type DoorCounts } from './door-metrics.ts';
import { fingerprintOf, messageOf, newRequestId, type Asked } from './order.ts';
import { RecentRequests, type Known, type Recorded } from './recent-requests.ts';
import { identityOf, type NamedRequest } from './request-identity.ts';

export interface InvalidatorOptions {
  readonly clock: Clock;
  readonly colleagues?: Colleagues | undefined;
  /** How long a signed request could be sent again. */
  readonly replayMs: number;
  /** Signed requests within that time. */
  readonly replaysMax: number;
}

export interface Done extends Recorded {
  /** What this node held in memory of it, and which of the given keys it touches. */
  readonly survey: Survey;
}

export interface DryRun {
  /** What it would purge, as patterns. */
  readonly purges: readonly string[];
  readonly survey: Survey;
}

const SURVEY = 'survey';
const TOUCHED = 'touched';
const PURGES_SHOWN_MAX = 1_000;

export class Invalidator {
  readonly metrics: DoorMetrics;
  readonly #options: InvalidatorOptions;
  readonly #requests: RecentRequests<Done>;
  readonly #signed: RecentlySeen;
  #operations: Operations | undefined;

  constructor(options: InvalidatorOptions) {
    const { clock, colleagues, replayMs, replaysMax } = options;
    this.#options = options;
    this.metrics = new DoorMetrics(clock);
    this.#requests = new RecentRequests(clock);
    this.#signed = new RecentlySeen({ clock, ageMaxMs: replayMs, entriesMax: replaysMax });
    colleagues?.tell(SURVEY, (message) =>
      this.#operations?.survey(message as InvalidationMessage));
    colleagues?.tell(TOUCHED, async (record) => this.#touched(record as LogRecord));
    colleagues?.tell('invalidations', () => this.metrics.counts);
  }

  /** From here on the node can be asked. */
  open(operations: Operations): void {
    this.#operations = operations;
  }

  /** @throws STARTING */
  get operations(): Operations {
    if (this.#operations === undefined) throw fault('STARTING');
    return this.#operations;
  }

  /** To be told of all records of the log, from the first one on. */
  readonly heard = (records: readonly LogRecord[]): void => {
    for (const record of records) {
      if (record.message.metadata === null) continue;
      this.#requests.heard(record);
      const { signed } = record.message.metadata;
      if (typeof signed === 'string' && signed.length <= SIGNED_LENGTH_MAX) {
        this.#signed.add(signed);
      }
    }
  };

  /** What has been asked of this node: of this process, and of its others. */
  async countsOfAll(): Promise<readonly DoorCounts[]> {
    const others = await this.#options.colleagues?.ask('invalidations') ?? [];
    return [this.metrics.counts, ...others as readonly DoorCounts[]];
  }

  /** Entries in memory of the node that carry what the record has purged, and are of before. */
  async touched(record: LogRecord): Promise<number> {
    const [own, others] = await Promise.all([
      this.#touched(record), this.#options.colleagues?.ask(TOUCHED, record) ?? [],
    ]);
    return [own, ...others.map(Number)].reduce((sum, one) => sum + one, 0);
  }

  async #touched({ message, position }: LogRecord): Promise<number> {
    const survey = await this.#operations?.survey(message, position);
    return survey?.entries ?? 0;
  }

  async dryRun(asked: Asked): Promise<DryRun> {
    const { clock } = this.#options;
    const message = messageOf(asked, { clock, requestId: requestIdOf(asked) });
    const purges = this.operations.purgesOf(message).slice(0, PURGES_SHOWN_MAX);
    return { purges: purges.map(patternText), survey: await this.#survey(asked, message) };
  }

  /**
   * @throws REQUEST_ID_REUSED, SIGNATURE_REPLAYED, LOG_UNAVAILABLE: it is done on this node, and
   * goes into the log when it can; PATTERN_INVALID, STARTING, LOG_CLOSED
   */
  async carryOut(asked: Asked): Promise<Done> {
    const { operations } = this;
    const requestId = requestIdOf(asked);
    const fingerprint = fingerprintOf(asked);
    const known = this.#requests.find(requestId, fingerprint);
    const isNamed = asked.requestId !== undefined || asked.signed === undefined;
    if (known !== undefined && (isNamed || known.kind === 'kept')) return this.#again(asked, known);
    const { clock } = this.#options;
    const message = messageOf(asked, { clock, requestId });
    if (asked.signed !== undefined && this.#signed.add(asked.signed)) {
      throw fault('SIGNATURE_REPLAYED');
    }
    const named = { requestId, fingerprint };
    const done = this.metrics.measure(asked.order.kind, async () => {
      const position = await this.#append(message, { operations, named });
      const recorded = { position, requestId, publishedAt: message.timestamp };
      return { ...recorded, survey: await this.#survey(asked, message) };
    });
    this.#requests.remember(named, { kind: 'underWay', done });
    return done.then(
      (value) => {
        this.#requests.remember(named, { kind: 'done', done: value });
        return value;
      },
      (error: unknown) => {
        const isUnderWay = this.#requests.find(requestId, fingerprint)?.kind === 'underWay';
        if (isUnderWay) this.#requests.forget(requestId);
        throw error;
      },
    );
  }

  /** Under an identity of the request, so that another node which is asked appends the same. */
  async #append(
    message: InvalidationMessage,
    { operations, named }: { operations: Operations; named: NamedRequest },
  ): Promise<Position> {
    const { requestId } = named;
    const identity = identityOf(named);
    let isKept = false;
    const onSettled = (settled: Position | undefined): void => {
      if (!isKept) return;
      if (settled === undefined) this.#requests.forget(requestId);
      else this.#remember(named, message, settled);
    };
    const position = await operations.invalidate(message, { identity, onSettled });
    if (position !== undefined) return position;
    isKept = true;
    this.#requests.remember(named, { kind: 'kept' });
    throw unavailable();
  }

  #remember(named: NamedRequest, { timestamp }: InvalidationMessage, position: Position): void {
    const recorded = { position, requestId: named.requestId, publishedAt: timestamp };
    this.#requests.remember(named, { kind: 'recorded', recorded });
  }

  async #again(asked: Asked, known: Known<Done>): Promise<Done> {
    switch (known.kind) {
      case 'underWay':
      case 'done':
        return known.done;
      case 'kept':
        throw unavailable();
      case 'recorded': {
        const { recorded } = known;
        const { clock } = this.#options;
        const message = messageOf(asked, { clock, requestId: recorded.requestId });
        return { ...recorded, survey: await this.#survey(asked, message) };
      }
      default:
        return known satisfies never;
    }
  }

  async #survey(asked: Asked, message: InvalidationMessage): Promise<Survey> {
    const { operations } = this;
    const { order } = asked;
    const given = order.kind === 'pattern' ? order.cacheKeys : [];
    const [own, others, matching] = await Promise.all([
      operations.survey(message),
      this.#options.colleagues?.ask(SURVEY, message) ?? [],
      operations.matching(given, message),
    ]);
    const ofKeys = {
      entries: 0, tags: matching, count: matching.length, scanned: 0, complete: true,
    };
    const surveys = others as readonly Survey[];
    return together([own, ...surveys, ofKeys]);
  }
}

/**
 * A signed request that names none is named by what was signed, so that a copy of it which another
 * node takes, before the log tells of the first, is the same record.
 */
function requestIdOf({ requestId, signed }: Asked): string {
  return requestId ?? signed ?? newRequestId();
}

/** Of a digest, in whatever digits. */
const SIGNED_LENGTH_MAX = 64;

function unavailable() {
  const reason = 'this node has applied it and will append it; ask again with the same request_id';
  return fault('LOG_UNAVAILABLE', { reason });
}
