/**
 * The schema of the kit's origin, once as a plain API and once as a subgraph of a federation
 * (Apollo Federation subgraph specification). `@cacheControl` is as Apollo defines it; a cache that
 * does not read it has to be told that `Query.me` and `Item.secret` are PRIVATE.
 */
const DIRECTIVE = `directive @cacheControl(maxAge: Int, scope: CacheControlScope)
  on FIELD_DEFINITION | OBJECT | INTERFACE | UNION

enum CacheControlScope {
  PUBLIC
  PRIVATE
}
`;

const TYPES = `type Query {
  "Null where there is none."
  item(id: ID!): Item
  "All items of a shelf, in the order in which they came."
  items(shelf: ID!): [Item!]!
  "Says back what it was asked."
  echo(left: String!, right: String!): Echo!
  "Who asks, by the header Authorization; null without it."
  me: Account @cacheControl(scope: PRIVATE)
}

type Mutation {
  createItem(id: ID!, shelf: ID!, name: String!): Item!
  renameItem(id: ID!, name: String!): Item
  "Answers what it was."
  removeItem(id: ID!): Item
  renameMaker(id: ID!, name: String!): Maker
}

type Item @key(fields: "id") {
  id: ID!
  name: String!
  "Grows by one with each change."
  version: Int!
  maker: Maker
  "Null and an error where a check wants it so."
  note: String
  "Another one for each caller, and for each read by somebody unknown."
  secret: String! @cacheControl(scope: PRIVATE)
}

type Maker @key(fields: "id") {
  id: ID!
  name: String!
}

type Echo {
  left: String!
  right: String!
  "Which origin this is: another at each start."
  run: String!
}

type Account {
  id: ID!
}
`;

const LINK = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
`;

/** What a federation server adds to the schema of its SDL. */
export const FEDERATION_TYPES = `scalar _Any
union _Entity = Item | Maker
type _Service { sdl: String! }
extend type Query {
  _service: _Service!
  _entities(representations: [_Any!]!): [_Entity]!
}
`;

export const PLAIN_SDL = `${DIRECTIVE}\n${TYPES.replaceAll(' @key(fields: "id")', '')}`;

export const SUBGRAPH_SDL = `${LINK}\n${DIRECTIVE}\n${TYPES}`;
