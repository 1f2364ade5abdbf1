/**
 * Five sample subgraphs of a shop. Every id exists, so that a benchmark never runs out of entities
 * that nobody has asked for; what they answer follows from the id alone.
 */
import { origin } from './workload.ts';

type Reference = Readonly<Record<string, string>>;

export interface Subgraph {
  readonly sdl: string;
  readonly resolvers: Record<string, Record<string, (...args: never[]) => unknown>>;
  /** What a reference leads to, by type. */
  readonly entities: Readonly<Record<string, (reference: Reference) => object>>;
}

const PRODUCTS_EACH = 5;
const REVIEWS_EACH = 3;

export const FEDERATION: Readonly<Record<string, Subgraph>> = {
  people: {
    sdl: `
      type Query { person(id: ID!): Person }
      type Person @key(fields: "id") { id: ID! name: String! email: String! }
    `,
    resolvers: { Query: { person: counted(({ id }) => person(id)) } },
    entities: { Person: ({ id = '' }) => person(id) },
  },
  products: {
    sdl: `
      type Query { shelf(id: ID!, visit: ID!): [Product!]! }
      type Product @key(fields: "id") { id: ID! name: String! price: Int! maker: Person! }
      type Person @key(fields: "id") { id: ID! }
    `,
    resolvers: {
      Query: {
        shelf: counted(({ id }) =>
          Array.from({ length: PRODUCTS_EACH }, (_, at) => product(`${id}-${at}`))),
      },
    },
    entities: { Product: ({ id = '' }) => product(id), Person: ({ id }) => ({ id }) },
  },
  stock: {
    sdl: `
      type Query { stockOf(id: ID!): Product }
      type Product @key(fields: "id") { id: ID! inStock: Boolean! pieces: Int! }
    `,
    resolvers: { Query: { stockOf: counted(({ id }) => stock(id)) } },
    entities: { Product: ({ id = '' }) => stock(id) },
  },
  reviews: {
    sdl: `
      type Query { review(id: ID!): Review }
      type Product @key(fields: "id") { id: ID! reviews: [Review!]! }
      type Review @key(fields: "id") { id: ID! text: String! author: Person! }
      type Person @key(fields: "id") { id: ID! }
    `,
    resolvers: { Query: { review: counted(({ id }) => review(id)) } },
    entities: {
      Product: ({ id = '' }) => ({
        id, reviews: Array.from({ length: REVIEWS_EACH }, (_, at) => review(`${id}-${at}`)),
      }),
      Review: ({ id = '' }) => review(id),
      Person: ({ id }) => ({ id }),
    },
  },
  shipping: {
    sdl: `
      type Query { parcel(id: ID!): Product }
      type Product @key(fields: "id") { id: ID! shippingDays: Int! carrier: String! }
    `,
    resolvers: { Query: { parcel: counted(({ id }) => parcel(id)) } },
    entities: { Product: ({ id = '' }) => parcel(id) },
  },
};

/** All five subgraphs: products, then stock, shipping and reviews of each, then their authors. */
export const SHELF_QUERY = 'query Shelf($id: ID!, $visit: ID!) { shelf(id: $id, visit: $visit) {'
  + ' id name price inStock pieces shippingDays carrier maker { id name }'
  + ' reviews { id text author { id name } } } }';

/** The answer, by which each contestant is checked. */
export function shelfAnswer(id: string): string {
  const shelf = Array.from({ length: PRODUCTS_EACH }, (_, at) => {
    const key = `${id}-${at}`;
    const { name, price, maker } = product(key);
    const { inStock, pieces } = stock(key);
    const { shippingDays, carrier } = parcel(key);
    const reviews = Array.from({ length: REVIEWS_EACH }, (_one, index) => {
      const { author, ...rest } = review(`${key}-${index}`);
      return { ...rest, author: named(author.id) };
    });
    return {
      id: key, name, price, inStock, pieces, shippingDays, carrier, maker: named(maker.id), reviews,
    };
  });
  return JSON.stringify({ data: { shelf } });
}

function named(id: string): object {
  return { id, name: person(id).name };
}

function person(id: string) {
  return { id, name: `Person ${id}`, email: `${id}@example.com` };
}

function product(id: string) {
  return { id, name: `Product ${id}`, price: 100 + id.length, maker: { id: `maker-${id}` } };
}

function stock(id: string) {
  return { id, inStock: true, pieces: id.length };
}

function parcel(id: string) {
  return { id, shippingDays: 2, carrier: `Carrier of ${id}` };
}

function review(id: string) {
  return { id, text: `What somebody thinks of ${id}`, author: { id: `author-${id}` } };
}

function counted(resolve: (args: { id: string }) => unknown) {
  return (_: unknown, args: { id: string }): unknown => {
    origin.calls += 1;
    return resolve(args);
  };
}
