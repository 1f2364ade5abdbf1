/**
 * Puts purges in the log without a node. They are the very messages that a node would have made,
 * under the same identity: a node that is asked again knows their `request_id`, and the log takes
 * one for the same within a minute, whoever appends it.
 */
import { systemClock } from '../../invalidation/clock.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import { RedisLog } from '../../invalidation/log-redis.ts';
import { formatPosition } from '../../invalidation/position.ts';
import { fingerprintOf, messageOf, type Order } from '../admin/order.ts';
import { identityOf } from '../admin/request-identity.ts';
import { CommandFailure, UsageError } from './command.ts';
import { EXIT } from './exit-codes.ts';

/** One request to a node, or one record in the log. */
export type PurgeOrder =
  | { readonly kind: 'key'; readonly keys: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: string };

/** With the `request_id` that it bears. */
export interface NamedOrder {
  readonly order: PurgeOrder;
  readonly requestId: string;
}

export interface AppendOptions {
  readonly redis: string;
  readonly channel: string | undefined;
  readonly stream: string | undefined;
  readonly actor: string;
  readonly reason: string | undefined;
  readonly triggeredBy: string | undefined;
}

/** A person waits longer than a service may. */
const APPEND_TIMEOUT_MS = 5_000;

/**
 * Resolves to their positions. Rejects with a CommandFailure where Redis cannot be reached, and
 * with UsageError where the URL is none.
 */
export async function appendPurges(
  named: readonly NamedOrder[],
  options: AppendOptions,
): Promise<readonly string[]> {
  const log = openLog(options);
  const { actor, reason, triggeredBy } = options;
  const positions: string[] = [];
  try {
    for (const { order, requestId } of named) {
      const given: Order = order.kind === 'key' ? order : { ...order, cacheKeys: [] };
      const asked = { order: given, actor, requestId, reason, triggeredBy };
      const message = messageOf(asked, { clock: systemClock, requestId });
      const identity = identityOf({ requestId, fingerprint: fingerprintOf(asked) });
      positions.push(formatPosition(await log.append(message, { identity })));
    }
    return positions;
  } catch (error) {
    throw failureOf(error);
  } finally {
    await log.close();
  }
}

/** Where the log is cut is for the nodes to say. */
function openLog({ redis, channel, stream }: AppendOptions): RedisLog {
  try {
    return new RedisLog({
      redis,
      appendTimeoutMs: APPEND_TIMEOUT_MS,
      ...(channel !== undefined && { channel }),
      ...(stream !== undefined && { stream }),
    });
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    throw new UsageError(`--redis: ${error.message}`, { cause: error });
  }
}

function failureOf(error: unknown): unknown {
  if (!(error instanceof FreshetError) || error.code !== 'LOG_UNAVAILABLE') return error;
  return new CommandFailure(
    'Redis did not take it in time: it may be in the log or not.',
    { code: error.code, exitCode: EXIT.later, cause: error },
  );
}
