/** When a fault is over, how long until nothing is to be seen of it any more. */
import { randomUUID } from 'node:crypto';
import { until } from '../support/until.ts';
import type { Gateway } from './gateways.ts';
import type { Load } from './load.ts';
import type { Origin } from './origin.ts';

/** A connection is tried again at most a second apart, and heard for a second before it counts. */
const HEAL_MS_MAX = 15_000;

export interface Healing {
  readonly gateways: readonly Gateway[];
  readonly load: Load;
  readonly origin: Origin;
}

/**
 * Resolves when all nodes hear the log and each finds the newest of some user in its cache, to the
 * milliseconds that it took; to undefined where it does not come to that.
 */
export async function healed({ gateways, load, origin }: Healing): Promise<number | undefined> {
  const beganAt = performance.now();
  const deadlineMs = HEAL_MS_MAX;
  try {
    for (const [node, gateway] of gateways.entries()) {
      const hears = async (): Promise<boolean> => (await gateway.status()).hears;
      await until(hears, { what: `node ${node} hears`, deadlineMs, everyMs: 20 });
    }
    // A user of its own, whom nobody else writes.
    const id = `healed-${randomUUID()}`;
    origin.write(id, 1);
    await agree({ gateways, load }, id, 1);
    origin.write(id, 2);
    await load.announce(id);
    await agree({ gateways, load }, id, 2);
    return performance.now() - beganAt;
  } catch (error) {
    const { message, cause } = error as Error;
    load.tally.complain(`${message}; last ${String(cause)}`);
    for (const gateway of gateways) {
      const status = await gateway.status().catch(() => undefined);
      load.tally.complain(JSON.stringify(status));
    }
    return undefined;
  }
}

async function agree(
  { gateways, load }: Pick<Healing, 'gateways' | 'load'>,
  id: string,
  version: number,
): Promise<void> {
  for (const node of gateways.keys()) {
    await until(() => load.answersHit(node, id, version), {
      what: `node ${node} answers v${version} of ${id} from its cache`, deadlineMs: HEAL_MS_MAX,
    });
  }
}
