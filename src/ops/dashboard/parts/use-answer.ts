/** An answer of the node, for as long as a view shows it. */
import { useEffect, useState } from 'preact/hooks';
import { pause, type Millis } from '../../../invalidation/clock.ts';
import { browserClock } from '../browser-clock.ts';
import { ask, Refusal, UNREACHABLE, type Question } from '../operators.ts';
import { token } from '../session.ts';

export interface Asked<Answer> {
  /** The latest there was, also where it could not be had again. */
  readonly answer?: Answer;
  readonly refusal?: Refusal;
  readonly isLoading: boolean;
}

export interface AnswerOptions extends Omit<Question, 'signal'> {
  /** Asked again and again, so long apart. Default: once. */
  readonly everyMs?: Millis;
  /** Another one: asked again, and what was answered stays until then. Default 0. */
  readonly turn?: number;
}

/** `path` undefined: nothing is asked. */
export function useAnswer<Answer>(
  path: string | undefined,
  { everyMs, turn = 0, ...asking }: AnswerOptions = {},
): Asked<Answer> {
  const [asked, setAsked] = useState<Kept<Answer>>({ isLoading: path !== undefined });
  const question = JSON.stringify([path, asking, token.value]);
  useEffect(() => {
    if (path === undefined) {
      setAsked({ isLoading: false });
      return undefined;
    }
    const left = new AbortController();
    const { signal } = left;
    setAsked((old) => (old.question === question ? old : { question, isLoading: true }));
    void repeat(async () => {
      try {
        const answer = await ask<Answer>(path, { ...asking, signal });
        if (!signal.aborted) setAsked({ question, answer, isLoading: false });
      } catch (error) {
        const refusal = asRefusal(error);
        if (!signal.aborted) setAsked((old) => ({ ...old, refusal, isLoading: false }));
      }
    }, { everyMs, signal });
    return () => left.abort();
  }, [question, everyMs, turn]);
  return asked;
}

interface Kept<Answer> extends Asked<Answer> {
  /** What it answers. */
  readonly question?: string;
}

async function repeat(
  work: () => Promise<void>,
  { everyMs, signal }: { everyMs: Millis | undefined; signal: AbortSignal },
): Promise<void> {
  for (;;) {
    await work();
    if (everyMs === undefined) return;
    await pause(browserClock, everyMs, signal);
    if (signal.aborted) return;
  }
}

export function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(UNREACHABLE, 'The node does not answer.');
}
