/**
 * The durable consumer of a JetStream stream, by which the server knows what has been read.
 *
 * It promises: a consumer is made only after everything has been purged, and it begins where the
 * stream ended before that; and where the stream has dropped messages that were not read yet,
 * everything is purged as well.
 */
import type {
  ConsumerInfo, JetStreamManager, StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { fault } from '../../../invalidation/errors.ts';
import type { Millis } from '../../../invalidation/clock.ts';

export interface DurableConsumerOptions {
  readonly stream: string;
  readonly consumer: string;
  /** What a new one reads; none is all of the stream. */
  readonly subjects: readonly string[];
  /** Of one that is there it is changed to this. */
  readonly inFlightMax: number;
  /** What was not acknowledged is delivered again after this long. */
  readonly ackWaitMs: Millis;
  /** Puts a purge of everything in the log; `reason` is for operators. */
  readonly forget: (reason: string) => Promise<void>;
}

const API_TIMEOUT_MS = 5_000;

/** Makes the consumer where it is not there. Rejects `SOURCE_INVALID` for one of another kind. */
export async function bindConsumer(
  connection: NatsConnection,
  options: DurableConsumerOptions,
): Promise<void> {
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const manager = await jetstreamManager(connection, { timeout: API_TIMEOUT_MS, checkAPI: false });
  const stream = await manager.streams.info(options.stream);
  const found = await findConsumer(manager, options);
  if (found === undefined) {
    await options.forget('nothing is known of what came before');
    await addConsumer(manager, stream, options);
    return;
  }
  checkKind(found, options);
  await boundInFlight(manager, found, options);
  if (hasLost(stream, found)) {
    await options.forget(`stream ${options.stream} has dropped messages that were not read`);
  }
}

async function findConsumer(
  manager: JetStreamManager,
  { stream, consumer }: DurableConsumerOptions,
): Promise<ConsumerInfo | undefined> {
  const { JetStreamApiCodes, JetStreamApiError } = await import('@nats-io/jetstream');
  try {
    return await manager.consumers.info(stream, consumer);
  } catch (error) {
    const isMissing = error instanceof JetStreamApiError &&
      error.code === JetStreamApiCodes.ConsumerNotFound;
    if (isMissing) return undefined;
    throw error;
  }
}

async function addConsumer(
  manager: JetStreamManager,
  { config, state }: StreamInfo,
  { stream, consumer, subjects, inFlightMax, ackWaitMs }: DurableConsumerOptions,
): Promise<void> {
  const { AckPolicy, DeliverPolicy, RetentionPolicy } = await import('@nats-io/jetstream');
  const [subject, ...others] = subjects;
  await manager.consumers.add(stream, {
    durable_name: consumer,
    description: 'read by Freshet, to invalidate what is cached',
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * 1_000_000,
    max_ack_pending: inFlightMax,
    ...(subject === undefined ? {} : others.length === 0
      ? { filter_subject: subject }
      : { filter_subjects: [...subjects] }),
    // A queue of work is read from its beginning, or not at all.
    ...(config.retention === RetentionPolicy.Workqueue
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: state.last_seq + 1 }),
  });
}

function checkKind({ config }: ConsumerInfo, { consumer }: DurableConsumerOptions): void {
  if (config.deliver_subject === undefined && config.ack_policy === 'explicit') return;
  const required = 'a pull consumer with explicit acknowledgements';
  throw fault('SOURCE_INVALID', { path: `consumer ${consumer}`, required, got: 'another kind' });
}

/** The client asks for more whatever it holds: the bound of all processes is the server's. */
async function boundInFlight(
  manager: JetStreamManager,
  { config }: ConsumerInfo,
  { stream, consumer, inFlightMax }: DurableConsumerOptions,
): Promise<void> {
  if (config.max_ack_pending === inFlightMax) return;
  await manager.consumers.update(stream, consumer, { max_ack_pending: inFlightMax });
}

/**
 * Of a consumer with a filter it cannot be told which messages were dropped: then any that came
 * after the last one it was given might have been for it.
 */
function hasLost({ state }: StreamInfo, { ack_floor, config }: ConsumerInfo): boolean {
  // Before its first acknowledgement a consumer says 0, wherever it begins.
  const next = Math.max(ack_floor.stream_seq + 1, config.opt_start_seq ?? 0);
  return state.first_seq > next;
}
