/**
 * The data that the services begin with: the same in every run, so that services which fill their
 * tables apart from each other agree on who wrote what.
 */
import { FAMILY_NAMES, GIVEN_NAMES, REMARKS, TOPICS, TOWNS, TRADES } from './topics.ts';

export interface Dataset {
  readonly users: readonly {
    id: number; name: string; handle: string; email: string; bio: string; avatar_url: string;
    created_at: string;
  }[];
  readonly posts: readonly {
    id: number; author_id: number; title: string; body: string; created_at: string;
  }[];
  readonly comments: readonly {
    id: number; post_id: number; author_id: number; text: string; created_at: string;
  }[];
  readonly follows: readonly { user_id: number; target_id: number; created_at: string }[];
}

const SEED = 20_260_301;
const USERS = 120;
const POSTS = 300;
const COMMENTS = 720;
const FOLLOWS_EACH_MAX = 14;

const HOUR_MS = 3_600_000;
const START = Date.UTC(2025, 8, 1, 6);

let known: Dataset | undefined;

export function dataset(): Dataset {
  known ??= generate(new Chance(SEED));
  return known;
}

function generate(chance: Chance): Dataset {
  const users = range(USERS).map((id) => user(id, chance));
  const posts = range(POSTS).map((id) => ({
    id,
    author_id: chance.upTo(USERS),
    ...post(chance),
    created_at: at(USERS * 2 + id * 11 + chance.upTo(8)),
  }));
  const comments = range(COMMENTS).map((id) => {
    // The later a comment, the newer the post that it is about.
    const back = chance.upTo(chance.upTo(8)) - 1;
    const post_id = Math.max(1, Math.ceil((id / COMMENTS) * POSTS) - back);
    return {
      id,
      post_id,
      author_id: chance.upTo(USERS),
      text: chance.some(REMARKS, chance.upTo(2)).join(' '),
      created_at: at(USERS * 2 + post_id * 11 + 8 + chance.upTo(40)),
    };
  });
  const follows = users.flatMap(({ id }) => {
    const others = users.filter((other) => other.id !== id).map((other) => other.id);
    const targets = chance.some(others, 2 + chance.upTo(FOLLOWS_EACH_MAX - 2));
    const created_at = at(USERS * 2 + id);
    return targets.map((target_id) => ({ user_id: id, target_id, created_at }));
  });
  return { users, posts, comments, follows };
}

function user(id: number, chance: Chance): Dataset['users'][number] {
  // Two lists walked at different speeds: no name comes twice.
  const given = GIVEN_NAMES[(id - 1) % GIVEN_NAMES.length] as string;
  const turn = Math.floor((id - 1) / GIVEN_NAMES.length);
  const family = FAMILY_NAMES[(id * 7 + turn * 3) % FAMILY_NAMES.length] as string;
  const handle = `${given}.${family}`.toLowerCase();
  return {
    id,
    name: `${given} ${family}`,
    handle,
    email: `${handle}@example.org`,
    bio: `${chance.one(TRADES)} in ${chance.one(TOWNS)}.`,
    avatar_url: `https://avatars.example.org/${handle}.png`,
    created_at: at(id * 2),
  };
}

function post(chance: Chance): { title: string; body: string } {
  const topic = chance.one(TOPICS);
  return {
    title: chance.one(topic.titles),
    body: chance.some(topic.sentences, 2 + chance.upTo(3)).join(' '),
  };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

function at(hours: number): string {
  return new Date(START + hours * HOUR_MS).toISOString();
}

/** Mulberry32, a small generator of even quality (Tommy Ettinger, public domain). */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 1 to `max`. */
  upTo(max: number): number {
    return 1 + Math.floor(this.#next() * max);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.upTo(items.length) - 1] as Item;
  }

  /** `count` different ones, in their order of chance. */
  some<Item>(items: readonly Item[], count: number): Item[] {
    const left = [...items];
    const length = Math.min(count, left.length);
    return Array.from({ length }, () => left.splice(this.upTo(left.length) - 1, 1)[0] as Item);
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
