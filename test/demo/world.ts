/** The sample services in this process, on free ports, and what they publish. */
import type { Log, LogEvent } from '../../src/invalidation/log.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import type { Position } from '../../src/invalidation/position.ts';
import type { ServiceName } from '../../src/demo/run.ts';
import { startDemoServices, type DemoServices } from '../../src/demo/start.ts';

/** What a test looks into without checking it first: unchecked, as `JSON.parse` answers it. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly data?: Json;
  readonly errors?: readonly { message: string; extensions: { code?: string } }[];
}

export interface Ask {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly token?: string;
}

export class World {
  readonly log = new RecordingLog();
  readonly troubles: string[] = [];
  #services: DemoServices | undefined;

  static async start(): Promise<World> {
    const world = new World();
    world.#services = await startDemoServices({
      log: world.log,
      ports: 0,
      onError: (service, error) => world.troubles.push(`${service}: ${String(error)}`),
    });
    return world;
  }

  get services(): DemoServices {
    if (this.#services === undefined) throw new Error('the services have not been started');
    return this.#services;
  }

  ask(service: ServiceName, query: string, ask: Ask = {}): Promise<Answer> {
    return askAt(this.services.endpoints[service], query, ask);
  }

  /** What all services have published since the last call, without ids and times. */
  published(): Published[] {
    return this.log.taken.splice(0).map(publishedOf);
  }

  async login(login: string): Promise<{ token: string; sessionId: string }> {
    const { data } = await this.ask(
      'auth',
      'mutation ($login: String!) { login(login: $login, password: "freshet") '
        + '{ token session { id } } }',
      { variables: { login } },
    );
    return { token: data.login.token, sessionId: data.login.session.id };
  }

  async close(): Promise<void> {
    await this.services.close();
    await this.log.close();
  }
}

export async function askAt(
  url: string,
  query: string,
  { variables = {}, token }: Ask = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return await response.json() as Answer;
}

export function codeOf({ errors }: Answer): string | undefined {
  return errors?.[0]?.extensions.code;
}

export type Published = Readonly<Record<string, unknown>>;

/** `{ from: 'users', Update: 'User 1', metadata: {...} }` */
function publishedOf(message: InvalidationMessage): Published {
  const { action, entity_type: type, entity_id, entity_ids, pattern, metadata } = message;
  const name = typeof type === 'string' ? type : type.Custom;
  const what = entity_ids ?? pattern ?? `${name} ${entity_id}`;
  return {
    from: message.source_service,
    [action]: what,
    ...(metadata !== null && { metadata }),
  };
}

/** A log in memory that also keeps what was appended, in order, for the test. */
export class RecordingLog implements Log {
  /** Since it was last emptied. */
  readonly taken: InvalidationMessage[] = [];
  readonly all: InvalidationMessage[] = [];
  readonly #log = new MemoryLog();

  append(message: InvalidationMessage): Promise<Position> {
    this.taken.push(message);
    this.all.push(message);
    return this.#log.append(message);
  }

  follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent> {
    return this.#log.follow(options);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** All nodes of a list, page by page, as a client would read it. */
export async function readPages(
  page: (after: string | null) => Promise<Json>,
): Promise<{ nodes: Json[]; pages: number }> {
  const nodes: Json[] = [];
  let after: string | null = null;
  for (let pages = 1; ; pages += 1) {
    const { edges, pageInfo } = await page(after);
    nodes.push(...edges.map((edge: Json) => edge.node));
    if (!pageInfo.hasNextPage) return { nodes, pages };
    after = pageInfo.endCursor;
  }
}
