/**
 * The queue in which RabbitMQ keeps what was not read yet.
 *
 * It promises: one that is there is read as it is; one that is made is durable, has a single
 * active consumer, and everything is purged both before it is made and once it is bound. Whoever
 * made it may have ended before that, and AMQP tells of no bindings: so everything is purged as
 * well where a queue is there that nobody reads, and this process has not bound it before. Who
 * reads it has bound it.
 */
import type { Channel, ChannelModel, Replies } from 'amqplib';

export interface QueueOptions {
  readonly queue: string;
  readonly bindings: readonly { readonly exchange: string; readonly key: string }[];
  /** Whether this process has bound it before. */
  readonly isKnown: boolean;
  /** Puts a purge of everything in the log; `reason` is for operators. */
  readonly forget: (reason: string) => Promise<void>;
}

/** AMQP 0-9-1: the queue, or exchange, is not there. */
const NOT_FOUND = 404;

/** Makes the queue where it is not there, and binds it. */
export async function bindQueue(model: ChannelModel, options: QueueOptions): Promise<void> {
  const { queue, isKnown, forget } = options;
  const found = await find(model, queue);
  if (found !== undefined) {
    await bind(model, options);
    if (!isKnown && found.consumerCount === 0) await forget('nobody has read its queue');
    return;
  }
  // The log takes the purge, or no queue is made: else nobody would know that it is new.
  await forget('nothing is known of what came before');
  try {
    await withChannel(model, (channel) => channel.assertQueue(queue, {
      durable: true, arguments: { 'x-single-active-consumer': true },
    }));
    await bind(model, options);
    // Between the first purge and the binding things may have changed.
    await forget('its queue was made');
  } catch (error) {
    await withChannel(model, (channel) => channel.deleteQueue(queue)).catch(() => undefined);
    throw error;
  }
}

async function bind(model: ChannelModel, { queue, bindings }: QueueOptions): Promise<void> {
  await withChannel(model, async (channel) => {
    for (const { exchange, key } of bindings) await channel.bindQueue(queue, exchange, key);
  });
}

/** Its errors reject what is awaited; without a listener Node would end the process. */
export async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

async function find(model: ChannelModel, queue: string): Promise<Replies.AssertQueue | undefined> {
  try {
    return await withChannel(model, (channel) => channel.checkQueue(queue));
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_FOUND) return undefined;
    throw error;
  }
}

/** One of its own: what the server refuses closes the channel. */
async function withChannel<Answer>(
  model: ChannelModel,
  use: (channel: Channel) => Promise<Answer>,
): Promise<Answer> {
  const channel = await openChannel(model);
  const answer = await use(channel);
  await channel.close();
  return answer;
}
