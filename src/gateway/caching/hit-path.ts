/**
 * Answers at once what was answered before: a request that is the same, byte for byte, as one that
 * Yoga has seen is given the stored bytes, without its JSON or its GraphQL being looked at again.
 *
 * It promises to walk round nothing. A request is recognised only after it has passed every gate
 * there is, as it stands; what can change since is asked each time: the rule of freshness, the
 * schema, the token, the position that the client has seen, and whether there is to be caching at
 * all. Whatever else changes which requests pass a gate has to call `forget`. Anything unusual is
 * left to Yoga, untouched. The answer is the one that Yoga would have given, but for the content
 * coding.
 *
 * One that came before with all of its bytes, its head included, need not even be parsed by Node
 * (`repeats`); one that differs in what nothing looks at is parsed, and recognised (`listener`).
 *
 * What is not in memory is looked for in Redis. All of that is asked again when Redis has answered,
 * in the turn in which the answer is sent.
 */
import type { ServerResponse } from 'node:http';
import type { Entry } from '../../cache/entry.ts';
import type { MemoryStore } from '../../cache/memory-store.ts';
import type { Patience } from '../../cache/patience.ts';
import type { ReadPath } from '../../cache/read-path.ts';
import type { Found, Tier, Tiers } from '../../cache/tiers.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import type { Position } from '../../invalidation/position.ts';
import { Attachments } from '../attachments.ts';
import { requestAnswered } from '../diagnostics.ts';
import type { Caller } from '../http/caller.ts';
import { matchedEntityTag, type CodingsTaken } from '../http/content-coding.ts';
import type { PositionCookie } from '../http/position-cookie.ts';
import type { Repeat } from '../http/repeat.ts';
import type { ReadRequest } from '../http/request-body.ts';
import type { Answer } from './answer.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import { replyOf, send, type ChosenAnswer } from './chosen-answer.ts';
import { Compressor, type CompressorStats } from './compressor.ts';
import { ReadyAnswer } from './ready-answer.ts';
import { ReadyAnswers } from './ready-answers.ts';
import { Recognition, type Recognised, type Reread, type Wish } from './recognition.ts';
import { reportHit } from './request-report.ts';

export interface HitPathOptions {
  readonly tiers: Pick<Tiers, 'peek'>;
  readonly readPath: Pick<ReadPath, 'used' | 'below' | 'patience'>;
  readonly l1: Pick<MemoryStore, 'find' | 'replace'>;
  readonly node: { readonly position: Position };
  readonly clock: Clock;
  /** Asked for each request. False: all of them are Yoga's. */
  readonly enabled: () => boolean;
  /** Whether chance has this hit compared with its origin; it is then Yoga's, and `isChosen`. */
  readonly audits: (hit: { readonly isOwn: boolean }) => boolean;
  /** Of the schema that a request which begins now is answered by. */
  readonly schemaHash: () => string;
  /** Request headers, in lower case, on which an answer or who asks depends. */
  readonly headerNames: readonly string[];
  readonly answerHeaders: AnswerHeaderOptions;
  readonly positionCookie?: PositionCookie | undefined;
  /** Answer in br, zstd or gzip where the client takes it. */
  readonly compression: boolean;
  /** Of the table of requests. Default 32 MiB. */
  readonly bytesMax?: number;
  /** Of answers that are ready. Default 32 MiB. */
  readonly answerBytesMax?: number;
}

export interface HitPathStats {
  /** Requests that were answered here. */
  readonly hits: number;
  /** Of them, those that were answered without being parsed. */
  readonly unread: number;
  /** Of them, those that were told that nothing has changed. */
  readonly unchanged: number;
  /** Of them, those that were answered in a content coding. */
  readonly coded: number;
  /** Requests that are recognised. */
  readonly requests: number;
  readonly bytes: number;
  readonly compression: CompressorStats;
}

/** An answer of Yoga's, and what it was asked. */
export interface Answered {
  readonly request: ReadRequest;
  /** As they are sent with status 200. */
  readonly headers: Headers;
  readonly mediaType: string;
  readonly answer: Answer;
  readonly caller: Caller;
}

/** A request that was left to Yoga. */
export interface Left {
  /** Its answer is to be audited. */
  readonly isChosen: boolean;
  /** The state of the gates that it has yet to pass. */
  readonly gates: number;
  /** What L2 was asked for and has nothing of, by its id. */
  readonly absentBelow: string | undefined;
  /** What is left of it for L2. Undefined: all. */
  readonly patience: Patience | undefined;
  readonly beganAt: Millis;
}

type Leaving = Partial<Left> & Pick<Left, 'beganAt'>;

/** One request, and what is known of it. */
interface Asking {
  /** The request, or its arrival. */
  readonly subject: object;
  /** Destroyed where there is nobody to be answered any more. */
  readonly outlet: { readonly destroyed: boolean };
  readonly known: Recognised;
  readonly wish: Wish;
  readonly beganAt: Millis;
}

const BYTES_MAX = 32 * 1024 * 1024;
/** A coded form is made when it has been asked for so often. */
const WANTED_MIN = 3;

/**
 * In that many times the beta of XFetch, times the time that the load took, before it expires, is
 * an entry loaded early by all but one in 20,000 of the chances there are: e to the power of -10.
 */
const EARLY_FACTOR = 10;

/** Said of each answer anew. */
const OWN_HEADERS = [
  'content-length', 'freshet-position', 'cache-control', 'cache-status', 'age', 'etag', 'cache-tag',
];
/** The same for all answers to like requests. With any other header a request is Yoga's. */
const COMMON_HEADERS = /^(content-type|vary|access-control-[a-z-]+)$/;

export class HitPath {
  readonly #options: HitPathOptions;
  readonly #recognition: Recognition;
  readonly #ready: ReadyAnswers;
  readonly #compressor: Compressor;
  readonly #counts = { hits: 0, unread: 0, unchanged: 0, coded: 0 };
  readonly #left = new Attachments<object, Left>('left');
  #gates = 0;

  constructor(options: HitPathOptions) {
    const { answerHeaders, l1, bytesMax = BYTES_MAX, answerBytesMax = BYTES_MAX } = options;
    this.#options = options;
    this.#recognition = new Recognition({ ...options, bytesMax });
    this.#ready = new ReadyAnswers(answerHeaders, answerBytesMax);
    this.#compressor = new Compressor(l1);
  }

  get stats(): HitPathStats {
    const { size: requests, bytes } = this.#recognition;
    return { ...this.#counts, requests, bytes, compression: this.#compressor.stats };
  }

  /** For `listeners` of `HttpServer`: answers the request, now or later, or leaves it as it is. */
  readonly listener = (
    request: ReadRequest,
    response: ServerResponse,
  ): boolean | Promise<boolean> => {
    const { clock, enabled } = this.#options;
    const { arrival } = request;
    const before = arrival && this.#left.get(arrival);
    if (before !== undefined) return this.#leave(request, before);
    const beganAt = clock.now();
    const known = enabled() ? this.#recognition.find(request) : undefined;
    if (known === undefined) return this.#leave(request, { beganAt });
    const wish = this.#recognition.wishOf(request);
    return this.#ask({ subject: request, outlet: response, known, wish, beganAt }, (chosen) => {
      if (chosen === 'nobody') return true;
      if (chosen === undefined) return false;
      this.#recognition.learnWire(request, (seen) => this.#repeat({ known, wish, seen }));
      send(response, chosen);
      return true;
    });
  };

  /** For `repeats` of `HttpServer`: the same for requests that nobody has parsed. */
  readonly repeats = (wire: string): Repeat | undefined => this.#recognition.repeat(wire);

  #repeat(reread: Reread): Repeat {
    const { clock, enabled } = this.#options;
    const { known, wish } = reread;
    const gates = this.#gates;
    return {
      answer: (arrival, settle) => {
        const isStill = gates === this.#gates && enabled();
        if (!isStill || !this.#recognition.holds(arrival.wire, reread)) return settle(undefined);
        const asking = { subject: arrival, outlet: arrival, known, wish, beganAt: clock.now() };
        return this.#ask(asking, (chosen) => {
          if (chosen === undefined || chosen === 'nobody') return settle(undefined);
          this.#counts.unread += 1;
          settle(replyOf(chosen));
        });
      },
    };
  }

  /** Calls `use` with what answers the request, in the turn in which that is to be sent. */
  #ask<T>(asking: Asking, use: (chosen: ChosenAnswer | 'nobody' | undefined) => T): T | Promise<T> {
    const { tiers, readPath } = this.#options;
    const { known: { key }, subject, beganAt } = asking;
    const entry = tiers.peek(key);
    if (entry !== undefined) return use(this.#choose(asking, entry, 'l1'));
    const since = { gates: this.#gates, patience: readPath.patience() };
    const below = readPath.below(
      key, (found) => use(this.#chooseFound(asking, found, since)), since.patience,
    );
    if (below !== undefined) return below;
    this.#leave(subject, { beganAt });
    return use(undefined);
  }

  /** Once L2 has answered; `nobody` where there is nobody to be answered any more. */
  #chooseFound(
    asking: Asking,
    found: Found | undefined,
    { gates, patience }: { gates: number; patience: Patience },
  ): ChosenAnswer | 'nobody' | undefined {
    const { subject, outlet, known, beganAt } = asking;
    if (outlet.destroyed) return 'nobody';
    if (found === undefined) {
      this.#leave(subject, { absentBelow: known.key.id, patience, beganAt });
      return undefined;
    }
    const { entry, tier, verdict } = found;
    const { enabled } = this.#options;
    const isStill = gates === this.#gates && enabled() && this.#recognition.isValid(known);
    if (verdict === 'current' && isStill) return this.#choose(asking, entry, tier);
    this.#leave(subject, { patience, beganAt });
    return undefined;
  }

  #choose(asking: Asking, entry: Entry, tier: Tier): ChosenAnswer | undefined {
    const { subject, known, wish, beganAt } = asking;
    const { clock, audits, readPath, node } = this.#options;
    const isNear = isNearEnd(entry, known, clock);
    const isChosen = !isNear && audits({ isOwn: !known.template.shared });
    if (isNear || isChosen) {
      this.#leave(subject, { isChosen, beganAt });
      return undefined;
    }
    this.#counts.hits += 1;
    if (known.countsUses) readPath.used(known.key, entry);
    const moment = { now: clock.now(), position: node.position };
    const ready = tier === 'l1'
      ? this.#form(entry, known, wish.codings)
      : this.#once(entry, known);
    const held = wish.ifNoneMatch === undefined
      ? undefined
      : matchedEntityTag(wish.ifNoneMatch, ready.plainTag(entry, moment), wish.codings);
    if (held !== undefined) this.#counts.unchanged += 1;
    else if (ready.coding !== undefined) this.#counts.coded += 1;
    if (requestAnswered.hasSubscribers) {
      const { operation, template: { shared } } = known;
      reportHit({ operation, shared, tier, durationMs: clock.now() - beganAt });
    }
    return { ready, entry, moment, held };
  }

  #leave(
    subject: object,
    { isChosen = false, absentBelow, patience, beganAt }: Leaving,
  ): false {
    this.#left.set(subject, { isChosen, gates: this.#gates, absentBelow, patience, beganAt });
    return false;
  }

  /** An answer that was kept, to a request that is to be recognised when it comes again. */
  learn({ request, headers, mediaType, answer, caller }: Answered): void {
    const { kept, shared, public: isPublic } = answer;
    // It may have passed gates that have changed since.
    if (kept === undefined || this.#left.get(request)?.gates !== this.#gates) return;
    const common: string[] = [];
    for (const [name, value] of headers) {
      if (OWN_HEADERS.includes(name)) continue;
      if (!COMMON_HEADERS.test(name)) return;
      common.push(name, value);
    }
    const { believedUntil = Number.POSITIVE_INFINITY } = caller;
    const template = this.#ready.template({ headers: common, mediaType, shared, public: isPublic });
    this.#recognition.learn(request, { ...kept, template, believedUntil });
  }

  /** How the request was left to Yoga. */
  left(request: object): Left | undefined {
    return this.#left.get(request);
  }

  /** No request is recognised any more: what passes the gates has changed. */
  forget(): void {
    this.#recognition.forget();
    this.#gates += 1;
  }

  /** Of an entry that was found in L2: L1 holds another object for it, if it does. */
  #once(entry: Entry, { template }: Recognised): ReadyAnswer {
    const { answerHeaders: options } = this.#options;
    return new ReadyAnswer(entry, { template, coding: undefined, options, tier: 'l2' });
  }

  /** The best form that there is; a better one is made when it has been wanted often. */
  #form(entry: Entry, { key, template }: Recognised, taken: CodingsTaken): ReadyAnswer {
    const [best] = taken;
    const coding = taken.find((one) => entry.encoded?.[one] !== undefined);
    const ready = this.#ready.of(entry, template, coding);
    if (best === undefined) return ready;
    const isWorthwhile = coding !== undefined || this.#compressor.isWorthwhile(ready.body);
    if (coding !== best && isWorthwhile) {
      const wanted = (ready.wanted.get(best) ?? 0) + 1;
      const isTime = wanted === WANTED_MIN;
      const isRefused = isTime && !this.#compressor.add({ key, entry, coding: best });
      ready.wanted.set(best, isRefused ? 0 : wanted);
    }
    return ready;
  }
}

/** The slow way decides by chance whether it is loaded before it expires. */
function isNearEnd(
  { staleAt, loadMs }: Entry,
  { earlyExpiry }: Pick<Recognised, 'earlyExpiry'>,
  clock: Clock,
): boolean {
  return earlyExpiry > 0 && staleAt - clock.now() < EARLY_FACTOR * earlyExpiry * loadMs;
}
