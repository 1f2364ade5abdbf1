/** An origin whose loads the test holds open, and lands when and as it likes. */
import { until } from '../support/until.ts';
import type { Fill, Load } from '../../src/cache/read-path.ts';

interface HeldLoad {
  readonly missing: readonly number[];
  readonly answer: (fills: readonly Fill[]) => void;
  readonly fail: (error: unknown) => void;
}

export class Origin {
  /** All loads so far, in order. */
  readonly loads: HeldLoad[] = [];

  readonly load: Load = (missing) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Fill[]>();
    this.loads.push({ missing, answer: resolve, fail: reject });
    return promise;
  };

  /** The nth load, from 0 on, as soon as it has begun. */
  nth(n: number): Promise<HeldLoad> {
    return until(() => this.loads[n], { what: `load ${n} has begun`, everyMs: 1 });
  }
}
