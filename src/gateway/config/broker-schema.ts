/** Where the gateway hears of changes from message brokers: NATS JetStream and RabbitMQ. */
import { z } from 'zod';

const SOURCE_NAME = /^[a-z][a-z0-9_]{0,40}$/;
/** What NATS allows in the names of streams and consumers. */
const NATS_NAME = /^[A-Za-z0-9_-]{1,200}$/;
const AMQP_NAME = /^[\w.:-]{1,200}$/;
/** Words between dots; `*` is any word, `>` in the end (NATS) or `#` (AMQP) any number of them. */
const NATS_PATTERN = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/;
const NATS_WORDS = 'words between dots, * and >';
const AMQP_PATTERN = /^(?=.{1,255}$)(?:[^\s.*#]+|\*|#)(?:\.(?:[^\s.*#]+|\*|#))*$/;
/** RFC 6901, but for the empty pointer: the whole message is no id. */
const POINTER = String.raw`(?:/(?:[^~/]|~[01])*)+`;
const ID = new RegExp(String.raw`^(?:${POINTER}|\$[1-9]\d?)$`);
const TYPE = new RegExp(String.raw`^(?:[A-Za-z_]\w*|${POINTER}|\$[1-9]\d?)$`);

const about = (description: string) => ({ description });
const natsName = (description: string) => z.string().regex(NATS_NAME)
  .meta({ description, required: 'up to 200 letters, digits, - and _' });
const amqpName = (description: string) => z.string().regex(AMQP_NAME)
  .meta({ description, required: 'up to 200 letters, digits, and marks - _ . :' });

const urls = (protocols: readonly string[]) => {
  const required = `a URL that begins with ${protocols.map((one) => `${one}://`).join(' or ')}`;
  const isOne = (value: string): boolean =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1));
  return z.array(z.string().refine(isOne).meta({ required, secret: true })).min(1).max(20)
    .meta({ description: 'The servers; may hold user and password.', secret: true });
};

const file = (description: string) => z.string().min(1).optional().meta(about(description));

const inFlightMax = z.int().min(1).max(10_000).default(256)
  .meta(about('Messages that are read and not yet acknowledged, at most.'));

const mappings = (pattern: RegExp, required: string) => z.array(z.strictObject({
  pattern: z.string().regex(pattern)
    .meta({ description: 'Which messages, by their subject or routing key.', required }),
  type: z.string().regex(TYPE).meta({
    description: 'Type of the entity: its name, a JSON pointer to it, or `$2` for the second word.',
    required: 'a name, a JSON pointer such as /type, or a word such as $2',
  }),
  id: z.array(z.string().regex(ID).meta({
    required: 'a JSON pointer such as /user/id, or a word such as $2',
  })).min(1).max(8).meta(about('Its key, in the order of its fields in the schema.')),
  lists: z.boolean().default(true)
    .meta(about('Lists of its type may have changed as well: it may be new.')),
}).meta({ description: '', required: 'an object' })).max(1_000).default([])
  .meta(about('How messages of another shape than that of the channel are read.'));

const natsSource = z.strictObject({
  urls: urls(['nats', 'tls']),
  credentialsFile: file('A .creds file with a JWT and its key; read at each connection.'),
  stream: natsName('JetStream stream that holds the messages. It must be there.'),
  consumer: natsName('Durable consumer. Default: `freshet_` and the name of the source.')
    .optional(),
  subjects: z.array(z.string().regex(NATS_PATTERN).meta({
    required: NATS_WORDS,
  })).max(100).default([]).meta(about(
    'Subjects that a new consumer reads; several need NATS 2.10. Default: all of the stream.')),
  inFlightMax,
  mappings: mappings(NATS_PATTERN, NATS_WORDS),
});

const rabbitSource = z.strictObject({
  urls: urls(['amqp', 'amqps']),
  passwordFile: file('A file with the password, in place of one in the URL; read each time.'),
  queue: amqpName('Durable queue. Default: `freshet_` and the name of the source.').optional(),
  bindings: z.array(z.strictObject({
    exchange: amqpName('An exchange. It must be there.'),
    key: z.string().max(255).default('#').meta({
      description: 'Which of its messages.', required: 'a routing key, or a pattern of them',
    }),
  }).meta({ description: '', required: 'an object' })).max(100).default([])
    .meta(about('What the queue is bound to. None: somebody else binds it.')),
  inFlightMax,
  mappings: mappings(AMQP_PATTERN, 'words between dots, * and #'),
});

export const brokerOptions = {
  nats: z.record(z.string().regex(SOURCE_NAME), natsSource).default({})
    .meta(about('NATS JetStream streams whose messages invalidate, by a name for each.')),
  rabbitmq: z.record(z.string().regex(SOURCE_NAME), rabbitSource).default({})
    .meta(about('RabbitMQ queues whose messages invalidate, by a name for each.')),
};
