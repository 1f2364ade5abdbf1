/**
 * Puts purges in the log without a node, as any service does by its publisher. They are the very
 * messages that a node would have made, so a node that is asked again knows their `request_id`.
 */
import { systemClock } from '../../invalidation/clock.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import { formatPosition } from '../../invalidation/position.ts';
import { createPublisher, type Publisher } from '../../invalidation/publisher.ts';
import { messageOf, type Order } from '../admin/order.ts';
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
/** How long the log lasts is for the nodes to say: this never cuts it. */
const RETENTION_MS = 366 * 86_400_000;
const RECORDS_MAX = 1_000_000_000;

/**
 * Resolves to their positions. Rejects with a CommandFailure where Redis cannot be reached, and
 * with UsageError where the URL is none.
 */
export async function appendPurges(
  named: readonly NamedOrder[],
  options: AppendOptions,
): Promise<readonly string[]> {
  const publisher = openPublisher(options);
  const { actor, reason, triggeredBy } = options;
  const positions: string[] = [];
  try {
    for (const { order, requestId } of named) {
      const given: Order = order.kind === 'key' ? order : { ...order, cacheKeys: [] };
      const asked = { order: given, actor, requestId, reason, triggeredBy };
      const message = messageOf(asked, { clock: systemClock, requestId });
      const { position } = await publisher.publish(message);
      if (position !== undefined) positions.push(formatPosition(position));
    }
    return positions;
  } catch (error) {
    throw failureOf(error);
  } finally {
    // What could not be appended is not tried again behind the caller's back.
    await publisher.close(0);
  }
}

function openPublisher({ redis, channel, stream }: AppendOptions): Publisher {
  try {
    return createPublisher({
      redis,
      source: 'freshet',
      strict: true,
      appendTimeoutMs: APPEND_TIMEOUT_MS,
      retentionMs: RETENTION_MS,
      recordsMax: RECORDS_MAX,
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
    'Redis did not take it in time: it may be in the log or not. Run it again when Redis is there.',
    { code: error.code, exitCode: EXIT.later, cause: error },
  );
}
