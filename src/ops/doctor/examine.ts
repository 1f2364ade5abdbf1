/**
 * Looks at all that a node with this configuration needs. It promises: it changes nothing, every
 * wait is bounded, and what it cannot find out it says.
 */
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock, Random } from '../../invalidation/clock.ts';
import { examineDatabase } from './database.ts';
import type { Finding } from './finding.ts';
import { examineLog } from './log.ts';
import { examineRedis } from './redis.ts';
import { examineSubgraphs } from './subgraphs.ts';

export interface ExamineOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** Never rejects. */
export async function examine(
  config: FreshetConfig,
  options: ExamineOptions,
): Promise<readonly Finding[]> {
  const found = await Promise.all([
    examineRedis(config, options),
    examineLog(config, options),
    examineSubgraphs(config, options),
    examineDatabase(config, options),
  ]);
  return found.flat();
}
