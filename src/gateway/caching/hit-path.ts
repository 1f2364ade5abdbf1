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
 * What is not in memory is looked for in Redis. All of that is asked again when Redis has answered,
 * in the turn in which the answer is sent.
 */
import type { ServerResponse } from 'node:http';
import type { Entry } from '../../cache/entry.ts';
import type { CacheKey } from '../../cache/key.ts';
import type { MemoryStore } from '../../cache/memory-store.ts';
import type { Patience } from '../../cache/patience.ts';
import type { ReadPath } from '../../cache/read-path.ts';
import type { Found, Tier, Tiers } from '../../cache/tiers.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { formatPosition, parsePosition, type Position } from '../../invalidation/position.ts';
import { requestAnswered, type OperationIdentity } from '../diagnostics.ts';
import type { Caller } from '../http/caller.ts';
import { codingsTaken, matchedEntityTag, type CodingsTaken } from '../http/content-coding.ts';
import { FINGERPRINT_LENGTH_MAX, fingerprintOf, type Fingerprint } from '../http/fingerprint.ts';
import type { PositionCookie } from '../http/position-cookie.ts';
import { RecentTable } from '../http/recent-table.ts';
import type { ReadRequest } from '../http/request-body.ts';
import type { Answer } from './answer.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import { Compressor, type CompressorStats } from './compressor.ts';
import { ReadyAnswer, type Template } from './ready-answer.ts';
import { ReadyAnswers } from './ready-answers.ts';
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

/** What is known of a request. */
interface Recognised {
  readonly key: CacheKey;
  readonly operation: OperationIdentity;
  readonly schemaHash: string;
  readonly earlyExpiry: number;
  readonly countsUses: boolean;
  readonly template: Template;
  /** By the wall clock: until then its credentials are what they were. */
  readonly believedUntil: Millis;
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

/** One request, how to answer it, and what is known of it. */
interface Asking {
  readonly request: ReadRequest;
  readonly response: ServerResponse;
  readonly known: Recognised;
  readonly beganAt: Millis;
}

const BYTES_MAX = 32 * 1024 * 1024;
/** A coded form is made when it has been asked for so often. */
const WANTED_MIN = 3;

/** Up to here it costs less to copy the bytes into a text; each of them stays what it is. */
const TEXT_BYTES_MAX = 8 * 1024;

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
  readonly #fingerprint: Fingerprint;
  readonly #requests: RecentTable<Recognised>;
  readonly #ready: ReadyAnswers;
  readonly #compressor: Compressor;
  readonly #counts = { hits: 0, unchanged: 0, coded: 0 };
  readonly #left = new WeakMap<object, Left>();
  #gates = 0;
  #lastPosition: { readonly text: string; readonly position: Position | undefined };

  constructor(options: HitPathOptions) {
    const { headerNames, answerHeaders, l1, node } = options;
    const { bytesMax = BYTES_MAX, answerBytesMax = BYTES_MAX } = options;
    this.#options = options;
    this.#fingerprint = fingerprintOf(headerNames);
    this.#requests = new RecentTable({ bytesMax, nameLengthMax: 2 * FINGERPRINT_LENGTH_MAX });
    this.#ready = new ReadyAnswers(answerHeaders, answerBytesMax);
    this.#compressor = new Compressor(l1);
    this.#lastPosition = { text: formatPosition(node.position), position: node.position };
  }

  get stats(): HitPathStats {
    const { size: requests, bytes } = this.#requests;
    return { ...this.#counts, requests, bytes, compression: this.#compressor.stats };
  }

  /** For `HttpServer`: answers the request, now or later, or leaves it as it is. */
  readonly listener = (
    request: ReadRequest,
    response: ServerResponse,
  ): boolean | Promise<boolean> => {
    const { tiers, readPath, clock } = this.#options;
    const beganAt = clock.now();
    const known = this.#find(request);
    if (known === undefined) return this.#leave(request, { beganAt });
    const entry = tiers.peek(known.key);
    const asking = { request, response, known, beganAt };
    if (entry !== undefined) return this.#answer(asking, entry, 'l1');
    const since = { gates: this.#gates, patience: readPath.patience() };
    const answer = (found: Found | undefined): boolean => this.#answerFound(asking, found, since);
    return readPath.below(known.key, answer, since.patience) ?? this.#leave(request, { beganAt });
  };

  /** As `listener`, once L2 has answered. */
  #answerFound(
    asking: Asking,
    found: Found | undefined,
    { gates, patience }: { gates: number; patience: Patience },
  ): boolean {
    const { request, response, known, beganAt } = asking;
    // There is nobody to be answered any more.
    if (response.destroyed) return true;
    if (found === undefined) {
      return this.#leave(request, { absentBelow: known.key.id, patience, beganAt });
    }
    const { entry, tier, verdict } = found;
    const isStill = gates === this.#gates && this.#options.enabled() && this.#isValid(known);
    if (verdict !== 'current' || !isStill) return this.#leave(request, { patience, beganAt });
    return this.#answer(asking, entry, tier);
  }

  #answer(asking: Asking, entry: Entry, tier: Tier): boolean {
    const { request, known, beganAt } = asking;
    const { clock, audits, readPath } = this.#options;
    if (isNearEnd(entry, known, clock)) return this.#leave(request, { beganAt });
    if (audits({ isOwn: !known.template.shared })) {
      return this.#leave(request, { isChosen: true, beganAt });
    }
    this.#counts.hits += 1;
    if (known.countsUses) readPath.used(known.key, entry);
    this.#send(asking, entry, tier);
    if (requestAnswered.hasSubscribers) {
      const { operation, template: { shared } } = known;
      reportHit({ operation, shared, tier, durationMs: clock.now() - beganAt });
    }
    return true;
  }

  #leave(
    request: ReadRequest,
    { isChosen = false, absentBelow, patience, beganAt }: Leaving,
  ): false {
    this.#left.set(request, { isChosen, gates: this.#gates, absentBelow, patience, beganAt });
    return false;
  }

  /** An answer that was kept, to a request that is to be recognised when it comes again. */
  learn({ request, headers, mediaType, answer, caller }: Answered): void {
    const { kept, shared, public: isPublic } = answer;
    // It may have passed gates that have changed since.
    if (kept === undefined || this.#left.get(request)?.gates !== this.#gates) return;
    const fingerprint = this.#fingerprint(request);
    if (fingerprint === undefined) return;
    const common: string[] = [];
    for (const [name, value] of headers) {
      if (OWN_HEADERS.includes(name)) continue;
      if (!COMMON_HEADERS.test(name)) return;
      common.push(name, value);
    }
    const { believedUntil = Number.POSITIVE_INFINITY } = caller;
    const template = this.#ready.template({ headers: common, mediaType, shared, public: isPublic });
    this.#requests.set(fingerprint, { ...kept, template, believedUntil });
  }

  /** How the request was left to Yoga. */
  left(request: object): Left | undefined {
    return this.#left.get(request);
  }

  /** No request is recognised any more: what passes the gates has changed. */
  forget(): void {
    this.#requests.clear();
    this.#gates += 1;
  }

  /** What is known of the request, if all that can have changed since is as it was. */
  #find(request: ReadRequest): Recognised | undefined {
    if (!this.#options.enabled()) return undefined;
    const fingerprint = this.#fingerprint(request);
    if (fingerprint === undefined) return undefined;
    const known = this.#requests.get(fingerprint);
    if (known === undefined || !this.#isInSight(request)) return undefined;
    if (this.#isValid(known)) return known;
    this.#requests.delete(fingerprint);
    return undefined;
  }

  #isValid({ believedUntil, schemaHash }: Recognised): boolean {
    const { clock } = this.#options;
    const isBelieved = believedUntil === Number.POSITIVE_INFINITY || clock.wall() < believedUntil;
    return isBelieved && schemaHash === this.#options.schemaHash();
  }

  /** Whether this node has heard of all that the client has seen. */
  #isInSight({ headers }: ReadRequest): boolean {
    const { positionCookie, node } = this.#options;
    const sent = headers['freshet-position'];
    if (sent !== undefined && !this.#isReached(String(sent))) return false;
    const { cookie } = headers;
    if (positionCookie === undefined || cookie === undefined) return true;
    const kept = positionCookie.read(cookie);
    return kept === undefined || kept <= node.position;
  }

  #isReached(text: string): boolean {
    // Most clients have seen the same one.
    if (text !== this.#lastPosition.text) {
      this.#lastPosition = { text, position: parsePosition(text) };
    }
    const { position } = this.#lastPosition;
    return position !== undefined && position <= this.#options.node.position;
  }

  #send({ request, response, known }: Asking, entry: Entry, tier: Tier): void {
    const { compression, clock, node } = this.#options;
    const { method, headers } = request;
    const moment = { now: clock.now(), position: node.position };
    const accepted = headers['accept-encoding'];
    const taken = compression && accepted !== undefined ? codingsTaken(accepted) : [];
    const ready = tier === 'l1' ? this.#choose(entry, known, taken) : this.#once(entry, known);
    const ifNoneMatch = headers['if-none-match'];
    if (ifNoneMatch !== undefined && method === 'GET') {
      const held = matchedEntityTag(ifNoneMatch, ready.plainTag(entry, moment), taken);
      if (held !== undefined) {
        this.#counts.unchanged += 1;
        response.writeHead(304, ready.headersUnchanged(entry, moment, held) as string[]).end();
        return;
      }
    }
    if (ready.coding !== undefined) this.#counts.coded += 1;
    response.writeHead(200, ready.headers(entry, moment) as string[]);
    const { body } = ready;
    // Node sends head and body as one text in one piece, and other bytes in two.
    if (body.length <= TEXT_BYTES_MAX) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  }

  /** Of an entry that was found in L2: L1 holds another object for it, if it does. */
  #once(entry: Entry, { template }: Recognised): ReadyAnswer {
    const { answerHeaders: options } = this.#options;
    return new ReadyAnswer(entry, { template, coding: undefined, options, tier: 'l2' });
  }

  /** The best form that there is; a better one is made when it has been wanted often. */
  #choose(entry: Entry, { key, template }: Recognised, taken: CodingsTaken): ReadyAnswer {
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
