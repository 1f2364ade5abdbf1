/** One black-box check: it returns where the cache did what was required of it. */
import type { Trial } from './trial.ts';

export interface Check {
  /** For the table and the command line: `stale-fill`. */
  readonly name: string;
  /** What is required, in one sentence without its full stop. */
  readonly requires: string;
  /** @throws Failed, NotApplicable */
  readonly run: (trial: Trial) => Promise<void>;
}
