/** A purge on its way: tried, asked about, done. */
import { useRef, useState } from 'preact/hooks';
import { ask, type Refusal } from '../operators.ts';
import { asRefusal } from '../parts/use-answer.ts';
import type { DryRun } from './dry-run.tsx';
import { orderOf, type Wanted } from './order.ts';

interface Progress {
  /** What it would do. */
  readonly trial?: DryRun;
  /** Whether it is now for the operator to say yes. */
  readonly isAsked?: boolean;
  /** What was done, in words. */
  readonly done?: string;
  readonly refusal?: Refusal;
  readonly isBusy?: boolean;
}

export interface Purging extends Progress {
  /** Says what it would do, and with `thenAsk` asks whether to. */
  readonly tryOut: (thenAsk: boolean) => void;
  readonly purge: () => void;
  /** Forgets what was tried and done. */
  readonly reset: () => void;
}

export function usePurge(wanted: Wanted, onPurged: () => void): Purging {
  const [progress, setProgress] = useState<Progress>({});
  const turns = useRef(0);
  const nextTurn = (): number => (turns.current += 1);
  const attempt = async (work: () => Promise<Progress>): Promise<Progress> => {
    setProgress({ ...progress, isBusy: true });
    return work().catch((error: unknown) => ({ refusal: asRefusal(error) }));
  };
  return {
    ...progress,
    tryOut: (thenAsk) => {
      const turn = nextTurn();
      void attempt(async () => ({
        trial: await ask<DryRun>(...orderOf(wanted, { dryRun: true })),
        isAsked: thenAsk,
      })).then((tried) => {
        // What is wanted may be another purge by now, and is not to be confirmed by this one.
        if (turn === turns.current) setProgress(tried);
      });
    },
    purge: () => {
      nextTurn();
      void attempt(async () => {
        const { position } = await ask<{ position: string }>(...orderOf(wanted, { dryRun: false }));
        onPurged();
        return { done: `Purged ${wanted.what}. Its place in the log is ${position}.` };
      }).then(setProgress);
    },
    reset: () => {
      nextTurn();
      setProgress({});
    },
  };
}
