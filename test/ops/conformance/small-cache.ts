/**
 * A small cache before the kit's origin, which is right, or wrong in one way of many. It knows how
 * often anything was purged, stamps what it reads with that number as the read begins, and takes a
 * change of anything for a change of everything: simple, and never stale.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, print, visit } from 'graphql';
import { canonicalJson } from '../../../src/cache/key.ts';

export type Defect =
  /** As a cache that has only a time to live. */
  | 'never-purges'
  | 'keeps-nothing'
  /** A fill counts as read when the read ends. */
  | 'stamps-at-the-end'
  /** A read under way is joined whenever it began. */
  | 'joins-any-read'
  | 'never-joins'
  /** One entry for all callers. */
  | 'shares-private'
  /** What is private is known by the keys of the answer. */
  | 'private-by-answer-keys'
  /** An entry depends on the values called `id` in its answer. */
  | 'tags-by-answer'
  /** An entry depends on the id that was asked for, which ends at a colon. */
  | 'splits-ids'
  /** The values of variables are joined to a key. */
  | 'joins-values'
  /** Another white space is another query. */
  | 'keys-by-text'
  | 'keeps-errors'
  /** The ETag names the query, not the answer. */
  | 'etag-of-query'
  /** The purge of a mutation comes after its answer. */
  | 'purges-later'
  /** The other nodes are not told. */
  | 'tells-no-other'
  /** What was purged while it was cut off it never hears of. */
  | 'never-replays';

export interface SmallCache {
  readonly url: string;
  /** Where to ask for a purge: `?id=...`. */
  readonly purgeUrl: string;
  purge(id: string): void;
  /** From now on what this node purges is heard by the other, and the other way round. */
  connect(other: SmallCache): void;
  cut(): void;
  reconnect(): void;
  stop(): Promise<void>;
}

interface Entry {
  readonly text: string;
  readonly stamp: number;
  readonly tags: ReadonlySet<string>;
}

interface Request {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly authorization: string;
}

export async function startSmallCache(originUrl: string, defect?: Defect): Promise<SmallCache> {
  const cache = new Small(originUrl, defect);
  await cache.listen();
  return cache;
}

class Small implements SmallCache {
  readonly #originUrl: string;
  readonly #defect: Defect | undefined;
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch(() => response.destroy());
  });
  readonly #entries = new Map<string, Entry>();
  readonly #reads = new Map<string, { began: number; text: Promise<string> }>();
  readonly #others: Small[] = [];
  /** Every purge, in order. */
  readonly #purges: string[] = [];
  #isCut = false;
  #missed: string[] = [];

  constructor(originUrl: string, defect: Defect | undefined) {
    this.#originUrl = originUrl;
    this.#defect = defect;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get #base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.#base}/graphql`;
  }

  get purgeUrl(): string {
    return `${this.#base}/purge`;
  }

  purge(id: string): void {
    this.#apply(id);
    if (this.#is('tells-no-other')) return;
    for (const other of this.#others) other.#hear(id);
  }

  connect(other: SmallCache): void {
    this.#others.push(other as Small);
    (other as Small).#others.push(this);
  }

  cut(): void {
    this.#isCut = true;
  }

  reconnect(): void {
    this.#isCut = false;
    const missed = this.#missed;
    this.#missed = [];
    if (!this.#is('never-replays')) for (const id of missed) this.#apply(id);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #is(defect: Defect): boolean {
    return this.#defect === defect;
  }

  #hear(id: string): void {
    if (this.#isCut) this.#missed.push(id);
    else this.#apply(id);
  }

  #apply(id: string): void {
    if (!this.#is('never-purges')) this.#purges.push(id);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#base);
    if (url.pathname === '/purge') {
      this.purge(url.searchParams.get('id') ?? '');
      response.end();
      return;
    }
    const asked = await read(request, url);
    const text = /^\s*mutation/.test(asked.query)
      ? await this.#mutate(asked)
      : await this.#answer(asked);
    const named = this.#is('etag-of-query') ? asked.query : text;
    const etag = `"${createHash('sha256').update(named).digest('base64url')}"`;
    const isKnown = request.method === 'GET' && request.headers['if-none-match'] === etag;
    response.writeHead(isKnown ? 304 : 200, { 'content-type': 'application/json', etag });
    response.end(isKnown ? undefined : text);
  }

  async #mutate(asked: Request): Promise<string> {
    const text = await this.#ask(asked);
    const id = String(asked.variables['id']);
    if (this.#is('purges-later')) void sleep(40).then(() => this.purge(id));
    else this.purge(id);
    return text;
  }

  async #answer(asked: Request): Promise<string> {
    const isPrivate = readsPrivate(asked.query);
    const mayKeep = !isPrivate || asked.authorization !== ''
      || this.#is('shares-private') || this.#is('private-by-answer-keys');
    if (!mayKeep || this.#is('keeps-nothing')) return this.#ask(asked);
    const key = this.#keyOf(asked, isPrivate);
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#isCurrent(entry)) return entry.text;
    return this.#load(key, asked);
  }

  async #load(key: string, asked: Request): Promise<string> {
    const began = this.#purges.length;
    const underWay = this.#reads.get(key);
    const mayJoin = underWay !== undefined && !this.#is('never-joins')
      && (underWay.began === began || this.#is('joins-any-read'));
    if (mayJoin) return underWay.text;
    const text = this.#ask(asked);
    const reading = { began, text };
    this.#reads.set(key, reading);
    const got = await text;
    if (this.#reads.get(key) === reading) this.#reads.delete(key);
    const stamp = this.#is('stamps-at-the-end') ? this.#purges.length : began;
    const isError = got.includes('"errors"');
    const isSecret = this.#is('private-by-answer-keys')
      && asked.authorization === '' && /"(secret|me)":/.test(got);
    if ((!isError || this.#is('keeps-errors')) && !isSecret) {
      this.#entries.set(key, { text: got, stamp, tags: this.#tagsOf(asked, got) });
    }
    return got;
  }

  #isCurrent({ stamp, tags }: Entry): boolean {
    if (!this.#is('tags-by-answer') && !this.#is('splits-ids')) return stamp >= this.#purges.length;
    const cut = (id: string): string => (this.#is('splits-ids') ? id.split(':')[0] ?? '' : id);
    return !this.#purges.slice(stamp).some((id) => tags.has(cut(id)));
  }

  #tagsOf(asked: Request, text: string): ReadonlySet<string> {
    if (this.#is('splits-ids')) return new Set([String(asked.variables['id'])]);
    return new Set([...text.matchAll(/"id":("(?:[^"\\]|\\.)*")/g)].map(([, id = '""']) =>
      JSON.parse(id) as string));
  }

  #keyOf({ query, variables, authorization }: Request, isPrivate: boolean): string {
    const text = this.#is('keys-by-text') ? query : print(parse(query));
    const values = this.#is('joins-values')
      ? Object.values(variables).join(':')
      : canonicalJson(variables);
    const isShared = !isPrivate || this.#is('shares-private');
    return JSON.stringify([text, values, isShared ? '' : authorization]);
  }

  async #ask({ query, variables, authorization }: Request): Promise<string> {
    const response = await fetch(this.#originUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(authorization !== '' && { authorization }),
      },
      body: JSON.stringify({ query, variables }),
    });
    return response.text();
  }
}

function readsPrivate(query: string): boolean {
  let found = false;
  visit(parse(query), {
    Field({ name }) {
      found ||= name.value === 'secret' || name.value === 'me';
    },
  });
  return found;
}

async function read(request: IncomingMessage, url: URL): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const sent = request.method === 'GET'
    ? {
      query: url.searchParams.get('query'),
      variables: JSON.parse(url.searchParams.get('variables') ?? '{}') as object,
    }
    : JSON.parse(Buffer.concat(chunks).toString()) as object;
  return { variables: {}, authorization: request.headers.authorization ?? '', ...sent } as Request;
}
