/** `freshet watch`: what is invalidated, as it happens. */
import { pause, systemClock, type Millis } from '../../invalidation/clock.ts';
import type { PurgeEvent } from '../admin/purge-event.ts';
import {
  CommandFailure, JSON_FLAG, lastOf, numberOf, type Command, type Flag, type Surroundings,
} from './command.ts';
import type { ServerSentEvent } from '../server-sent-event.ts';
import { eventsOf } from './event-source.ts';
import { EXIT } from './exit-codes.ts';
import {
  OPERATORS_FLAGS, operatorsClient, withQuery, type OperatorsClient,
} from './operators-client.ts';
import { listed, plural, printable, toldBy } from './text.ts';

const PATTERN_FLAG: Flag = {
  name: 'pattern', value: 'PATTERN', description: 'what may touch it: user:123, feed:*, *:posts',
};
const SOURCE_FLAG: Flag = {
  name: 'source', value: 'NAME', description: 'of this service (source_service)',
};
const ACTION_FLAG: Flag = {
  name: 'action',
  value: 'ACTION',
  choices: ['Delete', 'Update', 'Batch', 'Pattern'],
  description: 'Delete, Update, Batch or Pattern',
};
const COUNT_FLAG: Flag = {
  name: 'count', value: 'N', description: 'end after so many (default: when it is interrupted)',
};

/** The node lets something be heard every 10 s. */
const SILENCE_MS_MAX: Millis = 30_000;
const RETRY_MS: Millis = 1_000;

export const watch: Command = {
  name: 'watch',
  summary: 'show what is invalidated, as it happens',
  flags: [PATTERN_FLAG, SOURCE_FLAG, ACTION_FLAG, COUNT_FLAG, ...OPERATORS_FLAGS, JSON_FLAG],
  notes: [
    'It shows what one node has applied of the log, from every door. Where the connection breaks',
    'it connects again, and says what it may have missed; the audit has all. With --json each',
    'line is an object with an "event": "begin", "purge" or "missed".',
  ],
  examples: [
    'freshet watch',
    "freshet watch --pattern 'product:*' --source shop",
    'freshet watch --action Pattern --json --count 10',
  ],
  async run(values, surroundings) {
    const client = operatorsClient(values, surroundings);
    const left = numberOf(values, COUNT_FLAG, { least: 1, most: 999_999_999, byDefault: Infinity });
    const path = withQuery('/admin/events', {
      pattern: lastOf(values, PATTERN_FLAG),
      source: lastOf(values, SOURCE_FLAG),
      action: lastOf(values, ACTION_FLAG),
    });
    const watching = new Watching({ client, path, surroundings, left, json: values.has('json') });
    return awake(watching.run());
  },
};

interface WatchingOptions {
  readonly client: OperatorsClient;
  readonly path: string;
  readonly surroundings: Surroundings;
  readonly left: number;
  readonly json: boolean;
}

class Watching {
  readonly #options: WatchingOptions;
  #left: number;
  /** What the node said last; undefined while it has never answered. */
  #position: string | undefined;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.#left = options.left;
  }

  /** Resolves when it has shown as many as were asked for. Rejects where it cannot begin. */
  async run(): Promise<number> {
    for (;;) {
      try {
        await this.#follow();
        if (this.#left <= 0) return EXIT.done;
        this.#note('the node has ended the connection');
      } catch (error) {
        if (this.#position === undefined || !isPassing(error)) throw error;
        this.#note(error instanceof CommandFailure ? error.message : 'the connection broke');
      }
      await pause(systemClock, RETRY_MS);
    }
  }

  async #follow(): Promise<void> {
    const { client, path } = this.#options;
    const aborter = new AbortController();
    const body = await client.open(path, aborter.signal);
    const options = { clock: systemClock, silenceMsMax: SILENCE_MS_MAX };
    try {
      for await (const event of eventsOf(body, options)) {
        this.#show(event);
        if (this.#left <= 0) return;
      }
    } finally {
      aborter.abort();
    }
  }

  #show({ name, data }: ServerSentEvent): void {
    const { print } = this.#options.surroundings;
    if (this.#options.json) print(`${JSON.stringify({ event: name, ...data as object })}\n`);
    switch (name) {
      case 'begin':
        return this.#begin(data as { position: string });
      case 'purge': {
        const event = data as PurgeEvent;
        this.#position = event.position;
        this.#left -= 1;
        if (!this.#options.json) print(lineOf(event));
        return;
      }
      case 'missed':
        if (!this.#options.json) print(missedLine(data as { count: number | null }));
        return;
      default:
        // A newer node may tell of more.
    }
  }

  #begin({ position }: { position: string }): void {
    const before = this.#position;
    this.#position = position;
    if (before === undefined || before === position) return;
    this.#note(`connected again; what came after ${before} and up to ${position} was not shown`);
  }

  #note(text: string): void {
    this.#options.surroundings.printError(`freshet: ${text}\n`);
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof CommandFailure)) return true;
  return error.exitCode === EXIT.unreachable || error.exitCode === EXIT.later;
}

function lineOf(event: PurgeEvent): string {
  const { position, action, logged_at: loggedAt, soft, created } = event;
  const marks = `${soft ? ' soft' : ''}${created ? ' created' : ''}`;
  const what = `${action}${marks} ${whatOf(event)}`;
  return `${printable(loggedAt)}  ${position}  ${what}  ${toldBy(event)}\n`;
}

function whatOf(event: PurgeEvent): string {
  const { keys, keys_count: count, pattern, cascade, caching, caching_type: type } = event;
  if (caching !== null) {
    return type === null ? `caching ${caching}` : `caching ${caching} for ${printable(type)}`;
  }
  const what = pattern === null ? listed(keys, { count }) : printable(pattern);
  return cascade.length === 0 ? what : `${what} with ${listed(cascade)}`;
}

function missedLine({ count }: { count: number | null }): string {
  return count === null
    ? '-- missed: the log had lost records before this node read them\n'
    : `-- missed: ${plural(count, 'record')}, because this was read too slowly\n`;
}

/** Keeps the process from ending while it waits to try again: no timer of ours does. */
async function awake<T>(promise: Promise<T>): Promise<T> {
  const { port1 } = new MessageChannel();
  port1.addEventListener('message', () => undefined);
  port1.start();
  try {
    return await promise;
  } finally {
    port1.close();
  }
}
