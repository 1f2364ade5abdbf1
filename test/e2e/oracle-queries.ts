/** Queries at random over the schema of oracle-world.ts. */
import type { Random } from '../../src/invalidation/clock.ts';
import { integerBelow, pick } from '../support/seeded-random.ts';

/** What it returns, where that is no scalar, and its arguments. */
type FieldOf = readonly [type?: string | undefined, args?: string];

const FIELDS: Record<string, Record<string, FieldOf>> = {
  Query: {
    user: ['User', '(id: "ID")'], byEmail: ['User', '(email: "ID@x")'], users: ['User'],
    node: ['Node', '(id: "ID")'], nodes: ['Node'], team: ['Team'], post: ['Post', '(id: "ID")'],
    posts: ['Post'], feed: ['Item'], page: ['Page'], orders: ['Order'],
    order: ['Order', '(shop: "ID", number: 1)'],
  },
  User: {
    id: [], email: [], name: [], said: [undefined, '(loudly: true)'], manager: ['User'],
    home: ['Home'], pets: ['Pet'], posts: ['Post', '(first: ID)'], page: ['Page'], badge: [],
  },
  Home: { of: [], owner: ['User'] },
  Pet: { name: [], friend: ['User'] },
  Team: { id: [], name: [], lead: ['User'], grid: ['User'] },
  Node: { id: [], name: [] },
  Item: {},
  Advert: { sponsor: ['User'] },
  Page: { edges: ['Edge'], total: [] },
  Edge: { cursor: [], node: ['Post'] },
  Post: { id: [], text: [], author: ['User'], comments: ['Comment'], rating: [] },
  Comment: { id: [], text: [], author: ['User'] },
  Order: { number: [], note: [], buyer: ['User'], state: [] },
};

const POSSIBLE: Record<string, readonly string[]> = {
  Node: ['User', 'Team'], Item: ['Post', 'Comment', 'Advert'],
};

/** Of entities: some are there, some are not. */
export function someId(random: Random): string {
  return String(1 + integerBelow(random, 5));
}

export function someQuery(random: Random): string {
  const selection = new Selection(random).of('Query', 4);
  const variables = ['yes', 'no'].filter((name) => selection.includes(`$${name}`))
    .map((name) => `$${name}: Boolean = ${name === 'yes'}`);
  return `query ${variables.length === 0 ? '' : `(${variables.join(', ')}) `}${selection}`;
}

class Selection {
  readonly #random: Random;
  #aliases = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  of(type: string, depth: number): string {
    const fields = Object.entries(FIELDS[type] ?? {}).filter(([, [inner]]) => !inner || depth > 0);
    const count = fields.length === 0 ? 0 : 1 + integerBelow(this.#random, 3);
    const selected = Array.from({ length: count }, () => {
      const [name, [inner, args = '']] = pick(this.#random, fields);
      const below = inner === undefined ? '' : ` ${this.of(inner, depth - 1)}`;
      this.#aliases += 1;
      return `a${this.#aliases}: ${name}${this.#filled(args)}${this.#condition()}${below}`;
    });
    const possible = (POSSIBLE[type] ?? []).map((one) => `... on ${one} ${this.of(one, depth)}`);
    const typename = selected.length === 0 || this.#random() < 0.2 ? ['__typename'] : [];
    return `{ ${[...selected, ...possible, ...typename].join(' ')} }`;
  }

  #filled(args: string): string {
    return args.replaceAll('ID', someId(this.#random));
  }

  #condition(): string {
    return this.#random() < 0.1 ? ` @include(if: $${pick(this.#random, ['yes', 'no'])})` : '';
  }
}
