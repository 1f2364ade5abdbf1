/** A purge on its way: tried, asked about, done. */
import { useState } from 'preact/hooks';
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
  const attempt = (work: () => Promise<Progress>): void => {
    setProgress({ ...progress, isBusy: true });
    void work().catch((error: unknown) => ({ refusal: asRefusal(error) })).then(setProgress);
  };
  return {
    ...progress,
    tryOut: (thenAsk) => attempt(async () => ({
      trial: await ask<DryRun>(...orderOf(wanted, { dryRun: true })),
      isAsked: thenAsk,
    })),
    purge: () => attempt(async () => {
      const { position } = await ask<{ position: string }>(...orderOf(wanted, { dryRun: false }));
      onPurged();
      return { done: `Purged ${wanted.what}. Its place in the log is ${position}.` };
    }),
    reset: () => setProgress({}),
  };
}
