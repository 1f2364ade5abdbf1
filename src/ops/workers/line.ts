/** A worker's end of the line to the other workers of its node. */
import type { Clock, Millis } from '../../invalidation/clock.ts';
import type { FromWorker, ToWorker, WorkerId } from './envelope.ts';

export interface LineOptions {
  readonly clock: Clock;
  readonly send: (message: FromWorker) => void;
}

type Answer = (body: unknown, from: WorkerId) => unknown;
type Hear = (body: unknown, from: WorkerId) => void;
type Replies = Extract<ToWorker, { kind: 'replies' }>;

export class Line {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  readonly #answers = new Map<string, Answer>();
  readonly #hearers = new Map<string, Hear>();
  readonly #goneListeners: ((from: WorkerId) => void)[] = [];
  readonly #open = new Map<number, (replies: Replies) => void>();
  #asked = 0;

  constructor({ clock, send }: LineOptions) {
    this.#clock = clock;
    this.#send = send;
  }

  /** The replies of the other workers, of those that reply within `timeoutMs`. */
  ask(topic: string, body: unknown, timeoutMs: Millis): Promise<readonly unknown[]> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      const all: unknown[] = [];
      const done = (): void => {
        cancel();
        this.#open.delete(id);
        resolve(all);
      };
      const cancel = this.#clock.after(timeoutMs, done);
      this.#open.set(id, ({ bodies, isAll }) => {
        all.push(...bodies);
        if (isAll) done();
      });
      this.#send({ kind: 'ask', id, topic, body });
    });
  }

  tell(topic: string, body: unknown): void {
    this.#send({ kind: 'tell', topic, body });
  }

  /** The node's listeners are open; `body` is what the primary is to know of that. */
  ready(body: unknown): void {
    this.#send({ kind: 'ready', body });
  }

  /** What this worker replies, at once or later; to a topic without an answer null. */
  answer(topic: string, answer: Answer): void {
    this.#answers.set(topic, answer);
  }

  hear(topic: string, hear: Hear): void {
    this.#hearers.set(topic, hear);
  }

  onGone(listener: (from: WorkerId) => void): void {
    this.#goneListeners.push(listener);
  }

  /** What the primary sends comes in here. */
  take(message: ToWorker): void {
    switch (message.kind) {
      case 'asked': {
        const { from, id, topic, body } = message;
        const send = (reply: unknown): void =>
          this.#send({ kind: 'reply', to: from, id, body: reply ?? null });
        const reply: unknown = this.#answers.get(topic)?.(body, from);
        if (reply instanceof Promise) void reply.then(send, () => send(null));
        else send(reply);
        return;
      }
      case 'replies':
        return this.#open.get(message.id)?.(message);
      case 'told':
        return this.#hearers.get(message.topic)?.(message.body, message.from);
      case 'gone':
        for (const listener of this.#goneListeners) listener(message.from);
        return;
      default:
        message satisfies never;
    }
  }
}
