/** What clients ask for, and how each is keyed, tagged and scoped. */
import { entityKey, responseKey, type CacheKey } from '../../src/cache/key.ts';
import type { Caller } from '../../src/gateway/http/caller.ts';
import { audienceOf, type Audience } from '../../src/gateway/caching/scope.ts';
import { collectionTag, entityTag, type Tag } from '../../src/invalidation/tag.ts';
import type { Scope } from '../../src/policy/plan.ts';
import type { View } from './origin.ts';
import type { Kind } from './strategies.ts';

/** One value that is cached. */
export interface Part {
  readonly name: string;
  readonly kind: Kind;
  readonly scope: Scope;
  /** Of an entity: its Redis key; absent for a response. */
  readonly home?: Tag;
  /** What it is read from, asked anew at each moment; absent where it is made of parts alone. */
  readonly reads?: (caller: Caller, view: View) => readonly Tag[];
  /** Other parts that it is made of, each cached by itself. */
  readonly parts?: readonly Part[];
}

export interface Query {
  readonly name: string;
  readonly parts: readonly Part[];
}

export const SESSIONS = 3;
export const POST = collectionTag('post');

export const user = (id: number): Tag => entityTag('user', id);
export const postsOf = (id: number): Tag => entityTag('user', id, 'posts');
export const post = (id: number): Tag => entityTag('post', id);
export const session = (id: number): Tag => entityTag('session', id);
export const note = (id: number): Tag => entityTag('note', id);

export function sessionOf(caller: Caller): number | undefined {
  return caller.authenticated ? Number(caller.ownScope) : undefined;
}

export function callerOf(id: number | undefined): Caller {
  return {
    forwarded: {},
    authenticated: id !== undefined,
    sharedScope: '',
    ownScope: id === undefined ? '' : String(id),
    tags: id === undefined ? [] : [session(id)],
    validForMs: Number.POSITIVE_INFINITY,
  };
}

export function userPart(id: number): Part {
  const reads = (): readonly Tag[] => [user(id)];
  return { name: `user ${id}`, kind: 'user', scope: 'PUBLIC', home: user(id), reads };
}

/** A post, or the null in its place, which a post that is made makes stale. */
export function postPart(id: number): Part {
  const reads: NonNullable<Part['reads']> = (_, { posts }) =>
    posts.has(post(id)) ? [post(id)] : [POST, post(id)];
  return { name: `post ${id}`, kind: 'post', scope: 'PUBLIC', home: post(id), reads };
}

function feedPart(id: number): Part {
  return { name: `feed ${id}`, kind: 'feed', scope: 'PUBLIC', reads: () => [postsOf(id)] };
}

const LIST: Part = {
  name: 'posts', kind: 'list', scope: 'PUBLIC', reads: (_, { posts }) => [POST, ...posts],
};

const ME: Part = {
  name: 'me',
  kind: 'me',
  scope: 'PRIVATE',
  reads: (caller) => {
    const id = sessionOf(caller);
    return id === undefined ? [] : [session(id), note(id)];
  },
};

/** A response that is made of entities and of something of its own. */
function pagePart(id: number): Part {
  return {
    name: `page ${id}`, kind: 'page', scope: 'PUBLIC',
    reads: () => [postsOf(id)], parts: [userPart(id), postPart(id)],
  };
}

/** A response that is made of cached parts and of nothing else. */
function cardPart(id: number): Part {
  const parts = [userPart(id), feedPart(id)];
  return { name: `card ${id}`, kind: 'card', scope: 'PUBLIC', parts };
}

/** How many things there are of a kind. */
export interface Extent {
  readonly users: number;
  readonly posts: number;
}

export function queries(extent: Extent): readonly Query[] {
  const ids = Array.from({ length: extent.users }, (_, id) => id);
  const posts = Array.from({ length: extent.posts }, (_, id) => id);
  const single = [
    ...ids.flatMap((id) => [userPart(id), feedPart(id), pagePart(id), cardPart(id)]),
    ...posts.map(postPart),
  ];
  return [
    ...single.map((part) => ({ name: part.name, parts: [part] })),
    { name: 'users', parts: ids.map(userPart) },
    { name: 'some posts', parts: posts.slice(0, 3).map(postPart) },
    { name: 'me', parts: [ME] },
    { name: 'posts', parts: [LIST] },
  ];
}

/** Undefined where nobody may be served what is read for this caller. */
export function audienceFor(part: Part, caller: Caller): Audience | undefined {
  return audienceOf(part.scope, caller);
}

/** Under which a part is kept for an audience. */
export function keyOf({ name, home }: Part, audience: Audience): CacheKey {
  const parts = [name, audience.key];
  return home === undefined ? responseKey(parts) : entityKey(home, parts);
}
