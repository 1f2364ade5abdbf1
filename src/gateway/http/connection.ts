/**
 * Stands between a connection and Node's parser of HTTP. A request that came before, the same from
 * the first byte of its head to the last of its body, may be answered from here without being
 * parsed; everything else goes on to the parser as it came.
 *
 * It steps in only where heads come again as they were: Node reads faster what nobody else looks
 * at, and there is no way back. And it looks for a request only where it knows that one begins:
 * behind one whose bytes it has seen, that is what the parser made of them, and that has been
 * answered in full. No bytes inside of a request are ever taken for a request.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WIRE_LENGTH_MAX, type Arrival, type Repeat, type Reply } from './repeat.ts';
import type { IncomingRequest } from './request-body.ts';
import { lengthOf } from './whole-request.ts';

/** What lies behind all connections of a server. */
export interface Door {
  /** Whether a request with the same head came before, on whatever connection. */
  readonly cameBefore: (request: IncomingRequest) => boolean;
  /** `undefined`: it is to be parsed. */
  readonly recognise: (wire: string) => Repeat | undefined;
  /** Calls `answer` at the end of this turn of the event loop. */
  readonly enqueue: (connection: Connection) => void;
  readonly write: (socket: Socket, reply: Reply) => void;
  /** Told of bugs. */
  readonly onError: (error: unknown) => void;
}

type DataListener = (chunk: Buffer) => void;

/** One of ours, which has no answer yet. */
interface Waiting {
  readonly arrival: Arrived;
  readonly repeat: Repeat;
}

/** Heads are compared of so many requests of a connection, then of one in a prime number. */
const YOUNG = 16;
const SAMPLE = 7;
/** So many in a row came before: it is worth while to step in. */
const ALIKE_MIN = 3;

export class Connection {
  readonly #socket: Socket;
  readonly #door: Door;
  #requests = 0;
  #alike = 0;
  /** Node's own listener, once we stand before it. */
  #parse: DataListener | undefined;
  /** The response that was begun last. */
  response: ServerResponse | undefined;
  #request: IncomingRequest | undefined;
  /** Nothing is under way, and what comes next is the beginning of a request. */
  #isFree = false;
  /** Since a request may have begun: what came first, until it is parsed, and how much came. */
  #first: Arrived | undefined;
  #bytes = 0;
  /** Of the request that began there, with its head; NaN where that is not certain. */
  #length = Number.NaN;
  #waiting: Waiting | undefined;
  /** What came meanwhile. */
  #held: Buffer[] = [];
  #whenQuiet: (() => void) | undefined;

  constructor(socket: Socket, door: Door) {
    this.#socket = socket;
    this.#door = door;
  }

  /** The parser has read the head of a request. */
  begin(request: IncomingRequest, response: ServerResponse): void {
    this.#request = request;
    this.response = response;
    if (this.#parse === undefined) {
      this.#compare(request);
    } else if (this.#first !== undefined) {
      const { wire } = this.#first;
      this.#length = lengthOf(request, wire);
      if (this.#length === wire.length) request.arrival = this.#first;
      this.#first = undefined;
    }
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
        const isBusy = this.#isBusy && !this.#socket.destroyed;
        if (!isBusy) resolve();
        // Its turn comes when all that was written before has left; `drain` tells only of much.
        else if (this.#waiting === undefined) this.#socket.write('', look);
      };
      this.#whenQuiet = look;
      this.#socket.once('close', look);
      look();
    });
  }

  get #isBusy(): boolean {
    return this.#waiting !== undefined || (this.#isFree && this.#socket.writableLength > 0);
  }

  #compare(request: IncomingRequest): void {
    this.#requests += 1;
    if (this.#requests > YOUNG && this.#requests % SAMPLE !== 0) return;
    this.#alike = this.#door.cameBefore(request) ? this.#alike + 1 : 0;
    // Not while the parser is at work.
    if (this.#alike >= ALIKE_MIN) setImmediate(this.#stepIn);
  }

  readonly #stepIn = (): void => {
    // Who sends a body in a piece of its own sends no request in one piece.
    if (this.#request?.complete !== true || this.#parse !== undefined) return;
    const [listener, ...others] = this.#socket.listeners('data') as DataListener[];
    // Where a Node to come listens otherwise, all requests are parsed.
    if (listener === undefined || others.length > 0) return;
    this.#parse = listener;
    // The parser reads by itself until somebody listens.
    this.#socket.off('data', listener).on('data', this.receive);
  };

  /** Takes all that is read but for what the parser reads itself; a piece is not to be kept. */
  readonly receive = (piece: Buffer): boolean => {
    if (this.#parse === undefined) return this.#socket.push(Buffer.from(piece));
    if (this.#waiting === undefined) {
      this.#read(piece);
    } else {
      this.#held.push(Buffer.from(piece));
      this.#socket.pause();
    }
    return true;
  };

  #read(piece: Buffer): void {
    const isIdle = this.#request?.complete === true && this.response?.writableFinished === true;
    this.#isFree ||= isIdle && this.#bytes === this.#length;
    if (this.#isFree) this.#take(piece);
    else if (isIdle) this.#forwardFirst(piece, this.#arrivalOf(piece));
    else this.#forward(piece);
  }

  #take(piece: Buffer): void {
    const arrival = this.#arrivalOf(piece);
    // Who does not read what they are sent is the parser's, which stops listening to them.
    const isAwaited = this.#socket.writableLength === 0;
    const mayBeKnown = isAwaited && piece.length <= WIRE_LENGTH_MAX;
    const repeat = mayBeKnown ? this.#door.recognise(arrival.wire) : undefined;
    if (repeat !== undefined) {
      this.#waiting = { arrival, repeat };
      this.#door.enqueue(this);
    } else {
      this.#forwardFirst(piece, arrival);
    }
  }

  #arrivalOf(piece: Buffer): Arrived {
    return new Arrived(piece.toString('latin1'), this.#socket);
  }

  #forwardFirst(piece: Buffer, arrival: Arrived): void {
    this.#isFree = false;
    this.#first = arrival;
    this.#bytes = 0;
    this.#length = Number.NaN;
    this.#forward(piece);
  }

  /**
   * The parser copies what it keeps: it has one buffer for all, where it reads by itself. That of a
   * connection which has gone is another's by now: to give it anything would be to ask in its name.
   */
  #forward(piece: Buffer): void {
    if (this.#socket.destroyed) return;
    this.#bytes += piece.length;
    this.#parse?.call(this.#socket, piece);
  }

  #settle(waiting: Waiting, reply: Reply | undefined): void {
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    const { arrival } = waiting;
    if (reply === undefined) this.#forwardFirst(Buffer.from(arrival.wire, 'latin1'), arrival);
    else if (this.#socket.writable) this.#door.write(this.#socket, reply);
    this.#whenQuiet?.();
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#socket.resume();
    for (const one of held) this.receive(one);
  }
}

class Arrived implements Arrival {
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
