/**
 * Which requests have passed every gate before, and what is known of them: by what matters of a
 * request once it has been parsed, and by all of its bytes before that.
 *
 * What can have changed since is asked each time. Whatever else changes which requests pass a gate
 * has to call `forget`.
 */
import type { CacheKey } from '../../cache/key.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { latest, parsePosition, type Position } from '../../invalidation/position.ts';
import type { OperationIdentity } from '../diagnostics.ts';
import { codingsTaken, type CodingsTaken } from '../http/content-coding.ts';
import { FINGERPRINT_LENGTH_MAX, fingerprintOf, type Fingerprint } from '../http/fingerprint.ts';
import type { PositionCookie } from '../http/position-cookie.ts';
import { RecentTable } from '../http/recent-table.ts';
import type { Repeat } from '../http/repeat.ts';
import type { ReadRequest } from '../http/request-body.ts';
import type { Template } from './ready-answer.ts';
import { WireTable } from './wire-table.ts';

/** What is known of a request. */
export interface Recognised {
  readonly key: CacheKey;
  readonly operation: OperationIdentity;
  readonly schemaHash: string;
  readonly earlyExpiry: number;
  readonly countsUses: boolean;
  readonly template: Template;
  /** By the wall clock: until then its credentials are what they were. */
  readonly believedUntil: Millis;
}

/** What may differ between requests of which the same is known. */
export interface Wish {
  readonly codings: CodingsTaken;
  /** Of a request that may be told that nothing has changed. */
  readonly ifNoneMatch: string | undefined;
}

/** All that a request says, without it being read again. */
export interface Reread {
  readonly known: Recognised;
  readonly wish: Wish;
  /** The latest position that its client has seen. */
  readonly seen: Position | undefined;
}

export interface RecognitionOptions {
  readonly node: { readonly position: Position };
  readonly clock: Clock;
  /** Of the schema that a request which begins now is answered by. */
  readonly schemaHash: () => string;
  /** Request headers, in lower case, on which an answer or who asks depends. */
  readonly headerNames: readonly string[];
  readonly positionCookie?: PositionCookie | undefined;
  /** Answer in br, zstd or gzip where the client takes it. */
  readonly compression: boolean;
  /** Of both tables together. */
  readonly bytesMax: number;
}

/** Of the memory of both tables. */
const WIRE_SHARE = 3 / 8;
const NO_CODINGS: CodingsTaken = [];

export class Recognition {
  readonly #options: RecognitionOptions;
  readonly #fingerprint: Fingerprint;
  readonly #requests: RecentTable<Recognised>;
  readonly #wires: WireTable<Repeat>;
  #lastPosition: { readonly text: string; readonly position: Position | undefined };

  constructor(options: RecognitionOptions) {
    const wireBytesMax = Math.floor(options.bytesMax * WIRE_SHARE);
    this.#options = options;
    this.#fingerprint = fingerprintOf(options.headerNames);
    this.#requests = new RecentTable({
      bytesMax: options.bytesMax - wireBytesMax, nameLengthMax: 2 * FINGERPRINT_LENGTH_MAX,
    });
    this.#wires = new WireTable(wireBytesMax);
    this.#lastPosition = { text: '', position: undefined };
  }

  get size(): number {
    return this.#requests.size;
  }

  get bytes(): number {
    return this.#requests.bytes + this.#wires.bytes;
  }

  /** What is known of the request, if all that can have changed since is as it was. */
  find(request: ReadRequest): Recognised | undefined {
    const fingerprint = this.#fingerprint(request);
    request.fingerprint = fingerprint;
    if (fingerprint === undefined) return undefined;
    const known = this.#requests.get(fingerprint);
    if (known === undefined || !this.#isInSight(request)) return undefined;
    if (this.isValid(known)) return known;
    this.#requests.delete(fingerprint);
    return undefined;
  }

  /** What answers a request that has not been parsed, if what is known of it still `holds`. */
  repeat(wire: string): Repeat | undefined {
    return this.#wires.get(wire);
  }

  /** Whether all that can have changed since is as it was. */
  holds(wire: string, { known, seen }: Reread): boolean {
    if (seen !== undefined && seen > this.#options.node.position) return false;
    const isValid = this.isValid(known);
    if (!isValid) this.#wires.delete(wire);
    return isValid;
  }

  isValid({ believedUntil, schemaHash }: Recognised): boolean {
    const { clock } = this.#options;
    const isBelieved = believedUntil === Number.POSITIVE_INFINITY || clock.wall() < believedUntil;
    return isBelieved && schemaHash === this.#options.schemaHash();
  }

  wishOf({ method, headers }: ReadRequest): Wish {
    const accepted = headers['accept-encoding'];
    const isCoded = this.#options.compression && accepted !== undefined;
    return {
      codings: isCoded ? codingsTaken(accepted) : NO_CODINGS,
      ifNoneMatch: method === 'GET' ? headers['if-none-match'] : undefined,
    };
  }

  /** It has passed every gate. */
  learn(request: ReadRequest, known: Recognised): void {
    const fingerprint = request.fingerprint ?? this.#fingerprint(request);
    if (fingerprint !== undefined) this.#requests.set(fingerprint, known);
  }

  /** It was answered with what is known of it: from the second time on it need not be parsed. */
  learnWire(request: ReadRequest, make: (seen: Position | undefined) => Repeat): void {
    const { arrival, headers, httpVersion } = request;
    // Any other connection ends with its answer, which then says so.
    const isKept = httpVersion === '1.1' && isKeptAlive(headers.connection);
    if (arrival === undefined || !isKept) return;
    this.#wires.offer(arrival.wire, () => make(this.#seenBy(headers)));
  }

  forget(): void {
    this.#requests.clear();
    this.#wires.clear();
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

  /** It is in sight, and so can be read. */
  #seenBy({ cookie, 'freshet-position': sent }: ReadRequest['headers']): Position | undefined {
    const told = sent === undefined ? undefined : parsePosition(String(sent));
    const kept = cookie === undefined ? undefined : this.#options.positionCookie?.read(cookie);
    return told !== undefined && kept !== undefined ? latest(told, kept) : told ?? kept;
  }
}

function isKeptAlive(connection: string | undefined): boolean {
  return connection === undefined || /^keep-alive$/i.test(connection);
}
