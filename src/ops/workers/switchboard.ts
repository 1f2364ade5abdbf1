/**
 * Lets the workers of a node talk to each other, in the primary, which alone knows who there is.
 *
 * It promises: who asks is told each reply as it comes, and that it was the last one as soon as all
 * others have replied or ended; what one worker sends to another arrives in order; and nothing
 * waits for a worker that has ended.
 */
import type { FromWorker, ToWorker, WorkerId } from './envelope.ts';

type Send = (message: ToWorker) => void;

interface Question {
  readonly asker: WorkerId;
  readonly id: number;
  readonly open: Set<WorkerId>;
}

/** Beyond it nothing more is waited for of the oldest question. */
const QUESTIONS_MAX = 10_000;

export class Switchboard {
  readonly #workers = new Map<WorkerId, Send>();
  readonly #questions = new Map<string, Question>();

  join(worker: WorkerId, send: Send): void {
    this.#workers.set(worker, send);
  }

  leave(worker: WorkerId): void {
    this.#workers.delete(worker);
    for (const question of [...this.#questions.values()]) {
      if (question.asker === worker) this.#questions.delete(nameOf(question));
      else this.#close(question, worker);
    }
    for (const send of this.#workers.values()) send({ kind: 'gone', from: worker });
  }

  take(from: WorkerId, message: FromWorker): void {
    switch (message.kind) {
      case 'ask':
        return this.#ask(from, message);
      case 'reply': {
        const question = this.#questions.get(nameOf({ asker: message.to, id: message.id }));
        if (!question?.open.has(from)) return;
        return this.#close(question, from, [message.body]);
      }
      case 'tell': {
        const { topic, body } = message;
        for (const [, send] of this.#others(from)) send({ kind: 'told', from, topic, body });
        return;
      }
      case 'hello':
      case 'ready':
        return;
      default:
        message satisfies never;
    }
  }

  #ask(asker: WorkerId, { id, topic, body }: Extract<FromWorker, { kind: 'ask' }>): void {
    const others = this.#others(asker);
    const question: Question = { asker, id, open: new Set(others.keys()) };
    this.#questions.set(nameOf(question), question);
    for (const send of others.values()) send({ kind: 'asked', from: asker, id, topic, body });
    if (question.open.size === 0) this.#finish(question);
    const [oldest] = this.#questions.values();
    if (this.#questions.size > QUESTIONS_MAX && oldest) this.#finish(oldest);
  }

  #others(than: WorkerId): ReadonlyMap<WorkerId, Send> {
    return new Map([...this.#workers].filter(([worker]) => worker !== than));
  }

  /** Nothing more is to be waited for from `worker`. */
  #close(question: Question, worker: WorkerId, bodies: readonly unknown[] = []): void {
    const { asker, id, open } = question;
    if (!open.delete(worker)) return;
    if (open.size === 0) return this.#finish(question, bodies);
    if (bodies.length === 0) return;
    this.#workers.get(asker)?.({ kind: 'replies', id, bodies, isAll: false });
  }

  #finish(question: Question, bodies: readonly unknown[] = []): void {
    const { asker, id } = question;
    this.#questions.delete(nameOf(question));
    this.#workers.get(asker)?.({ kind: 'replies', id, bodies, isAll: true });
  }
}

function nameOf({ asker, id }: Pick<Question, 'asker' | 'id'>): string {
  return `${asker}/${id}`;
}
