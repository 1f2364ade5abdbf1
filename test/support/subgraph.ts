/**
 * A federated subgraph for tests: a real HTTP server on a free port of loopback, from an SDL and
 * resolvers. It answers `_service { sdl }` and `_entities`, remembers every operation that it was
 * sent, and can be held open at a chosen moment or made to misbehave.
 *
 *     const users = await startSubgraph({
 *       name: 'users',
 *       sdl: `type Query { user(id: ID!): User }
 *         type User @key(fields: "id") { id: ID! name: String }`,
 *       resolvers: { Query: { user: (_, { id }) => people.get(id) } },
 *       entities: { User: ({ id }) => people.get(id) },
 *     });
 *
 * The stale-fill race, without a sleep: hold the answer, change the data, invalidate, let go. The
 * answer that was held shows what the data was before, as it had been read by then.
 *
 *     const gate = users.hold();                 // the next operation, at 'answer'
 *     const reading = ask(gateway, '{ user(id: "1") { name } }');
 *     await gate.arrived;                        // the subgraph has read the old name
 *     people.set('1', { id: '1', name: 'new' });
 *     await invalidate('user:1');
 *     gate.release();                            // only now does the old name leave it
 *     await reading;
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  concatAST, Kind, parse, type DocumentNode, type GraphQLSchema, type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
} from 'graphql';
import { createYoga } from 'graphql-yoga';

/** Whatever came over the wire: a test knows what it sent, and need not prove it. */
type Loose = ReturnType<JSON['parse']>;
type Resolver = (parent: Loose, args: Loose, context: Loose) => unknown;
type Reference = Record<string, Loose>;

export interface SubgraphOptions {
  readonly name: string;
  /** In the style of federation 1 or 2; directives of federation need no definition. */
  readonly sdl: string;
  readonly resolvers?: Record<string, Record<string, Resolver | object>>;
  /** By type: finds an entity by its representation; null where there is none. */
  readonly entities?: Record<string, (reference: Reference, context: Loose) => unknown>;
  /** False: a plain GraphQL API, without `_service` and `_entities`. Default true. */
  readonly federated?: boolean;
  /** Default 0: any free port. */
  readonly port?: number;
}

/** One operation that arrived. */
export interface SubgraphCall {
  readonly query: string;
  readonly variables: Record<string, Loose>;
  readonly operationName: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

export interface HoldOptions {
  /**
   * 'answer': after the resolvers have run and before a byte of the answer leaves. 'request':
   * before they run. Default 'answer'.
   */
  readonly at?: 'answer' | 'request';
  /** Which operation. Default: the next one, whichever it is. */
  readonly when?: (call: SubgraphCall) => boolean;
}

/** Holds one operation. */
export interface Gate {
  /** Resolves when the operation has come to where it is held. */
  readonly arrived: Promise<SubgraphCall>;
  /** Lets it go on; before it has arrived: it will not be held at all. */
  release(): void;
}

/** What is answered in place of GraphQL. */
export interface Misbehaviour {
  readonly status?: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** Breaks the connection off without an answer. */
  readonly hangUp?: boolean;
}

export interface TestSubgraph {
  readonly name: string;
  /** `http://127.0.0.1:<port>/graphql` */
  readonly url: string;
  readonly port: number;
  readonly sdl: string;
  /** Every operation since the start or the last `forget()`; not the questions for the SDL. */
  readonly calls: readonly SubgraphCall[];
  /** All representations in `calls`, in order. */
  readonly representations: readonly Reference[];
  /** How many connections have been opened since the start. */
  readonly connectionsMade: number;
  forget(): void;
  hold(options?: HoldOptions): Gate;
  /** The next operations, one for each. Requests for the SDL too. */
  misbehave(...answers: readonly Misbehaviour[]): void;
  /** Sent with every answer from now on: `{ 'set-cookie': ['a=1'] }`. */
  answerHeaders: Record<string, string | string[]>;
  /** Ends it and breaks off what is open; a second call does nothing. */
  stop(): Promise<void>;
}

export async function startSubgraph(options: SubgraphOptions): Promise<TestSubgraph> {
  const subgraph = new HttpSubgraph(options);
  await subgraph.listen(options.port ?? 0);
  return subgraph;
}

interface Holding extends Required<HoldOptions> {
  readonly arrive: (call: SubgraphCall) => void;
  readonly released: Promise<void>;
}

class HttpSubgraph implements TestSubgraph {
  readonly name: string;
  readonly sdl: string;
  answerHeaders: Record<string, string | string[]> = {};
  readonly #yoga;
  readonly #server: Server;
  #connectionsMade = 0;
  #calls: SubgraphCall[] = [];
  #holdings: Holding[] = [];
  readonly #misbehaviours: Misbehaviour[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: SubgraphOptions) {
    this.name = options.name;
    this.sdl = options.sdl;
    this.#yoga = createYoga({
      schema: subgraphSchema(options),
      logging: false,
      landingPage: false,
      graphiql: false,
    });
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#server.on('connection', () => (this.#connectionsMade += 1));
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/graphql`;
  }

  get calls(): readonly SubgraphCall[] {
    return this.#calls;
  }

  get representations(): readonly Reference[] {
    return this.#calls.flatMap(({ variables }) =>
      Object.entries(variables)
        .filter(([name]) => name.endsWith('representations'))
        .flatMap(([, list]) => list as Reference[]));
  }

  get connectionsMade(): number {
    return this.#connectionsMade;
  }

  forget(): void {
    this.#calls = [];
  }

  hold({ at = 'answer', when = () => true }: HoldOptions = {}): Gate {
    const arrived = Promise.withResolvers<SubgraphCall>();
    const released = Promise.withResolvers<void>();
    const holding: Holding = { at, when, arrive: arrived.resolve, released: released.promise };
    this.#holdings.push(holding);
    const release = (): void => {
      this.#holdings = this.#holdings.filter((other) => other !== holding);
      released.resolve();
    };
    return { arrived: arrived.promise, release };
  }

  misbehave(...answers: readonly Misbehaviour[]): void {
    this.#misbehaviours.push(...answers);
  }

  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#stopped;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const call = callIn(request, body);
    const asksForSdl = /\b_service\b|\b__schema\b/.test(call.query);
    if (!asksForSdl) this.#calls.push(call);
    const misbehaviour = this.#misbehaviours.shift();
    if (misbehaviour !== undefined) return misbehaveOn(response, misbehaviour);
    const holding = asksForSdl ? undefined : this.#holdingFor(call);
    await pass(holding, 'request', call);
    const answer = await this.#answer(request, body, response);
    await pass(holding, 'answer', call);
    await this.#send(answer, response);
  }

  /** A gate holds one operation: the first that it is for. */
  #holdingFor(call: SubgraphCall): Holding | undefined {
    const holding = this.#holdings.find(({ when }) => when(call));
    this.#holdings = this.#holdings.filter((other) => other !== holding);
    return holding;
  }

  async #answer(request: IncomingMessage, body: Buffer, response: ServerResponse) {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const headers = Object.entries(request.headersDistinct)
      .flatMap(([name, values]) => (values ?? []).map((value) => [name, value] as const));
    const method = request.method ?? 'GET';
    const answer = await this.#yoga.fetch(`http://subgraph${request.url ?? '/'}`, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      ...(method === 'POST' && { body }),
      signal: left.signal,
    });
    const streams = answer.headers.get('content-type')?.startsWith('text/event-stream');
    return { answer, body: streams ? undefined : Buffer.from(await answer.arrayBuffer()) };
  }

  async #send(
    { answer, body }: { answer: Response; body: Buffer | undefined },
    response: ServerResponse,
  ): Promise<void> {
    if (response.destroyed) return;
    const closed = once(response, 'close');
    const headers = Object.fromEntries(answer.headers);
    delete headers['content-length'];
    response.writeHead(answer.status, { ...headers, ...this.answerHeaders });
    if (body !== undefined) {
      response.end(body);
      return;
    }
    response.flushHeaders();
    for await (const event of answer.body ?? []) {
      if (response.destroyed) break;
      if (!response.write(event)) await Promise.race([once(response, 'drain'), closed]);
    }
    response.end();
  }
}

async function pass(
  holding: Holding | undefined,
  at: Holding['at'],
  call: SubgraphCall,
): Promise<void> {
  if (holding?.at !== at) return;
  holding.arrive(call);
  await holding.released;
}

function misbehaveOn(response: ServerResponse, misbehaviour: Misbehaviour): void {
  const { status = 200, headers = {}, body = '', hangUp = false } = misbehaviour;
  if (hangUp) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

function callIn(request: IncomingMessage, body: Buffer): SubgraphCall {
  const { searchParams } = new URL(request.url ?? '/', 'http://subgraph');
  let sent: Partial<SubgraphCall> = {};
  try {
    sent = (JSON.parse(body.toString() || '{}') ?? {}) as Partial<SubgraphCall>;
  } catch {
    // A form with files, or nonsense: Yoga will tell.
  }
  return {
    query: sent.query ?? searchParams.get('query') ?? '',
    variables: sent.variables ?? {},
    operationName: sent.operationName,
    headers: request.headers,
  };
}

function subgraphSchema(options: SubgraphOptions): GraphQLSchema {
  const { sdl, resolvers = {}, entities = {}, federated = true } = options;
  const document = parse(sdl);
  const typeDefs = federated ? concatAST([document, federationTypes(document)]) : document;
  const find = (reference: Reference, context: unknown): unknown =>
    entities[reference['__typename'] as string]?.(reference, context) ?? null;
  const typed = async (reference: Reference, context: unknown): Promise<unknown> => {
    const entity = await find(reference, context);
    if (typeof entity !== 'object' || entity === null) return entity;
    return { __typename: reference['__typename'] as string, ...entity };
  };
  const federation = {
    Query: {
      _service: () => ({ sdl }),
      _entities: (_: unknown, { representations }: Reference, context: unknown) =>
        (representations as Reference[]).map((reference) => typed(reference, context)),
    },
  };
  return makeExecutableSchema({
    typeDefs,
    resolvers: [resolvers, federated ? federation : {}] as never,
    assumeValidSDL: true,
    resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' },
  });
}

/** What the subgraph specification adds; without an entity there is no `_entities` either. */
function federationTypes(document: DocumentNode): DocumentNode {
  const keyed = document.definitions
    .filter((definition): definition is ObjectTypeDefinitionNode | ObjectTypeExtensionNode =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION
      || definition.kind === Kind.OBJECT_TYPE_EXTENSION)
    .filter(({ directives = [] }) => directives.some(({ name }) => name.value === 'key'))
    .map(({ name }) => name.value);
  const entityTypes = [...new Set(keyed)];
  const service = 'scalar _Any scalar FieldSet type _Service { sdl: String! }';
  if (entityTypes.length === 0) {
    return parse(`${service} extend type Query { _service: _Service! }`);
  }
  return parse(`${service}
    union _Entity = ${entityTypes.join(' | ')}
    extend type Query {
      _service: _Service!
      _entities(representations: [_Any!]!): [_Entity]!
    }`);
}
