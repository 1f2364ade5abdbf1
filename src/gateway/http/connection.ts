/**
 * Stands between a connection and Node's parser of HTTP. A request that came before, the same from
 * the first byte of its head to the last of its body, may be answered from here without being
 * parsed; everything else goes on to the parser as it came.
 *
 * It looks for a request only where it knows that one begins: behind one of known length that the
 * parser has read to its end and that has been answered in full. The first one is always the
 * parser's, whose limits of time begin with it. Who sends two at once, or a body without a length,
 * is the parser's for good: no bytes inside of a request are ever taken for a request.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Arrival, Repeat, Reply } from './repeat.ts';
import type { IncomingRequest } from './request-body.ts';

/** What lies behind all connections of a server. */
export interface Door {
  /** `undefined`: it is to be parsed. */
  readonly recognise: (wire: string) => Repeat | undefined;
  /** Calls `answer` at the end of this turn of the event loop. */
  readonly enqueue: (connection: Connection) => void;
  readonly write: (socket: Socket, reply: Reply) => void;
  /** Told of bugs. */
  readonly onError: (error: unknown) => void;
}

/** One of ours, which has no answer yet. */
interface Waiting {
  readonly arrival: WholeRequest;
  readonly repeat: Repeat;
  readonly chunk: Buffer;
}

/** Longer ones are of few clients, and cost more than they save. */
const WIRE_LENGTH_MAX = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';

export class Connection {
  readonly #socket: Socket;
  readonly #door: Door;
  /** Node's own listener. */
  readonly #parse: (chunk: Buffer) => void;
  /** The response that was begun last. */
  response: ServerResponse | undefined;
  #request: IncomingRequest | undefined;
  /** Nothing is under way, and what comes next is the beginning of a request. */
  #isFree = false;
  /** Since it was free last: what came first, until its head has been read, and how much came. */
  #first: Buffer | undefined;
  #arrival: WholeRequest | undefined;
  #bytes = 0;
  /** Of the first request since then, with its head; NaN where that is not known. */
  #length = Number.NaN;
  #waiting: Waiting | undefined;
  /** What came meanwhile. */
  #held: Buffer[] = [];
  #whenQuiet: (() => void) | undefined;

  /** Node has begun to listen to the socket, and nobody else has. */
  constructor(socket: Socket, door: Door) {
    this.#socket = socket;
    this.#door = door;
    const [listener, ...others] = socket.listeners('data') as ((chunk: Buffer) => void)[];
    // Where a Node to come listens otherwise, all requests are parsed.
    this.#parse = (chunk) => listener?.call(socket, chunk);
    if (listener === undefined || others.length > 0) return;
    socket.off('data', listener);
    socket.on('data', this.#onData);
  }

  /** The parser has read the head of a request. */
  begin(request: IncomingRequest, response: ServerResponse): void {
    this.#request = request;
    this.response = response;
    if (this.#first === undefined) return;
    this.#length = lengthOf(request, this.#first);
    if (this.#length === this.#first.length) request.arrival = this.#arrival;
    this.#first = undefined;
  }

  /** To be called where `Door.enqueue` said. */
  answer(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const settle = (reply: Reply | undefined): void => this.#settle(waiting, reply);
    const fail = (error: unknown): void => {
      this.#door.onError(error);
      settle(undefined);
    };
    try {
      waiting.repeat.answer(waiting.arrival, settle)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** Resolves when all that was answered unread has left; undefined where it has. */
  quiet(): Promise<void> | undefined {
    if (!this.#isBusy) return undefined;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#isBusy && !this.#socket.destroyed) return;
        this.#socket.off('drain', look).off('close', look);
        this.#whenQuiet = undefined;
        resolve();
      };
      this.#whenQuiet = look;
      this.#socket.on('drain', look).on('close', look);
    });
  }

  get #isBusy(): boolean {
    return this.#waiting !== undefined || (this.#isFree && this.#socket.writableLength > 0);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#waiting !== undefined) {
      this.#held.push(chunk);
      this.#socket.pause();
    } else if (this.#isAtBoundary()) {
      this.#take(chunk);
    } else {
      this.#forward(chunk);
    }
  };

  #isAtBoundary(): boolean {
    this.#isFree ||= this.#bytes === this.#length
      && this.#request?.complete === true
      && this.response?.writableFinished === true;
    return this.#isFree;
  }

  #take(chunk: Buffer): void {
    const arrival = chunk.length <= WIRE_LENGTH_MAX
      ? new WholeRequest(chunk.toString('latin1'), this.#socket)
      : undefined;
    // Who does not read what they are sent is the parser's, which stops listening to them.
    const isAwaited = this.#socket.writableLength === 0;
    const repeat = isAwaited && arrival ? this.#door.recognise(arrival.wire) : undefined;
    if (arrival !== undefined && repeat !== undefined) {
      this.#waiting = { arrival, repeat, chunk };
      this.#door.enqueue(this);
    } else {
      this.#forward(chunk, arrival);
    }
  }

  #forward(chunk: Buffer, arrival?: WholeRequest): void {
    if (this.#isFree || this.#bytes === 0) {
      this.#isFree = false;
      this.#first = chunk;
      this.#arrival = arrival;
      this.#bytes = 0;
      this.#length = Number.NaN;
    }
    this.#bytes += chunk.length;
    this.#parse(chunk);
  }

  #settle(waiting: Waiting, reply: Reply | undefined): void {
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    const { arrival, chunk } = waiting;
    if (reply === undefined) this.#forward(chunk, arrival);
    else if (this.#socket.writable) this.#door.write(this.#socket, reply);
    this.#whenQuiet?.();
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#socket.resume();
    for (const one of held) this.#onData(one);
  }
}

class WholeRequest implements Arrival {
  readonly wire: string;
  readonly #socket: Socket;

  constructor(wire: string, socket: Socket) {
    this.wire = wire;
    this.#socket = socket;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }
}

/** Of head and body (RFC 9112, section 6.3); NaN where the head is not all there. */
function lengthOf({ headers }: IncomingRequest, first: Buffer): number {
  const end = first.indexOf(END_OF_HEAD, 0, 'latin1');
  if (end < 0 || headers['transfer-encoding'] !== undefined) return Number.NaN;
  return end + END_OF_HEAD.length + Number(headers['content-length'] ?? 0);
}
