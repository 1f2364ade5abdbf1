/** What writers change, and what they say of it: a commit, and the message that covers it. */
import type { Random } from '../../src/invalidation/clock.ts';
import type { MessageMaker } from '../../src/invalidation/message-maker.ts';
import type { InvalidationMessage, Metadata } from '../../src/invalidation/message.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import { integerBelow, pick } from '../support/seeded-random.ts';
import type { Cover } from './ledger.ts';
import { isVersioned, type Origin } from './origin.ts';
import {
  note, POST, post, postsOf, session, SESSIONS, user, type Extent,
} from './queries.ts';

export const WRITE_NAMES = [
  'update', 'cascade', 'part', 'below', 'create', 'delete', 'note', 'session',
  'batch', 'type', 'suffix', 'expression', 'everything',
] as const;
export type WriteName = typeof WRITE_NAMES[number];

/** By which door an invalidation comes. */
export const ROUTES = ['publisher', 'foreign', 'mutation'] as const;
export type Route = typeof ROUTES[number];

export interface Written {
  readonly covers: readonly Cover[];
  readonly message: InvalidationMessage;
}

interface Change {
  readonly tags: readonly Tag[];
  readonly message: InvalidationMessage;
}

/** How it is told. */
export interface Telling {
  readonly isSoft: boolean;
  /** With the version of the entity, where the message is of one alone. */
  readonly tellsVersions: boolean;
}

export interface WriterOptions {
  readonly origin: Origin;
  readonly maker: MessageMaker;
  readonly random: Random;
  readonly extent: Extent;
}

/** Commits a change of this kind. */
export function write(name: WriteName, options: WriterOptions, telling: Telling): Written {
  const { tags, message } = change(name, options);
  const { isSoft, tellsVersions } = telling;
  const isOfOne = typeof message.entity_id === 'string';
  const covers = tags.map((tag, place): Cover => ({
    tag,
    version: options.origin.commit(tag),
    isSoft,
    isTold: tellsVersions && isOfOne && place === 0 && isVersioned(tag),
  }));
  const [first] = covers;
  const metadata: Metadata = {
    ...message.metadata,
    ...(isSoft && { soft: true }),
    ...(first?.isTold === true && { version: first.version }),
  };
  return { covers, message: { ...message, metadata } };
}

function change(name: WriteName, options: WriterOptions): Change {
  const { origin, maker, random, extent } = options;
  const users = Array.from({ length: extent.users }, (_, id) => id);
  const id = integerBelow(random, extent.users);
  switch (name) {
    case 'update':
      return { tags: [user(id)], message: maker.updated('User', id) };
    case 'cascade': {
      const tags = [user(id), postsOf(id)];
      return { tags, message: maker.updated('User', id, { cascade: [postsOf(id)] }) };
    }
    case 'part':
      return { tags: [postsOf(id)], message: maker.batch([postsOf(id)]) };
    case 'below':
      return { tags: [postsOf(id)], message: maker.pattern(`${user(id)}:*`) };
    case 'create':
    case 'delete':
      return changePost(name, options);
    case 'note': {
      const whose = integerBelow(random, SESSIONS);
      return { tags: [note(whose)], message: maker.updated('Note', whose) };
    }
    case 'session': {
      const which = integerBelow(random, SESSIONS);
      return { tags: [session(which)], message: maker.deleted('session', which) };
    }
    case 'batch': {
      const tags = [user(id), ...(id > 0 ? [user(id - 1)] : []), postsOf(id)];
      return { tags, message: maker.batch(tags) };
    }
    case 'type':
      return { tags: users.map(user), message: maker.pattern('user:*') };
    case 'suffix':
      return { tags: users.map(postsOf), message: maker.pattern('*:posts') };
    case 'expression':
      return { tags: [...origin.posts], message: maker.pattern('/^post:[0-9]+$/') };
    case 'everything':
      return { tags: origin.tags(), message: maker.pattern('*') };
    default:
      return name satisfies never;
  }
}

function changePost(name: 'create' | 'delete', options: WriterOptions): Change {
  const { origin, maker, random, extent } = options;
  const all = Array.from({ length: extent.posts }, (_, id) => id);
  const candidates = all.filter((id) => origin.posts.has(post(id)) === (name === 'delete'));
  if (candidates.length === 0) {
    return changePost(name === 'create' ? 'delete' : 'create', options);
  }
  const id = pick(random, candidates);
  if (name === 'delete') {
    origin.setPost(post(id), false);
    return { tags: [post(id)], message: maker.deleted('Post', id) };
  }
  origin.setPost(post(id), true);
  return { tags: [POST, post(id)], message: maker.created('Post', id) };
}
