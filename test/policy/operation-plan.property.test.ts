import {
  buildSchema, execute, isAbstractType, isCompositeType, isLeafType, getNamedType, isListType,
  isNonNullType, parse, print, validate,
  type ExecutionResult, type GraphQLCompositeType, type GraphQLField, type GraphQLOutputType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { collectionTag, entityTag } from '../../src/invalidation/tag.ts';
import { planOperation } from '../../src/policy/operation-plan.ts';
import type { OperationPlan } from '../../src/policy/plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';
import { KEY_SDL } from './planning.ts';

const schema = buildSchema(`
  type Query {
    user: User node: Node search: [Result!] matrix: [[Post]] feed: Feed open: Post
      @cacheControl(maxAge: 10, scope: PUBLIC, staleWhileRevalidate: 3)
    scalar: Int @cacheControl(scope: PUBLIC)
  }
  interface Node { id: ID! related: [Node] owner: User }
  type User implements Node @cacheControl(maxAge: 40)
    @cacheStrategy(version: "rev", jitter: 0.1, sliding: 80) {
    id: ID! rev: Int name: String email: String @cacheControl(scope: PRIVATE)
    related: [Node] owner: User posts: [Post] @cacheTag(format: "user:{$key.id}:posts")
  }
  type Post implements Node @key(fields: "slug") @cacheControl(maxAge: 90, scope: PUBLIC)
    @cacheStrategy(version: "edition", settle: 7, staleIfError: 20, negative: 3) {
    id: ID! slug: Int! edition: ID title: String @cacheTag(format: "titles")
    related: [Node] @cacheControl(maxAge: 5) owner: User
  }
  type Feed @cacheControl(inheritMaxAge: true) { items: [Item] team: Team none: User }
  type Item { result: Result at: Int }
  type Team @key(fields: "org { id } number") { org: Org! number: Int! owner: User }
  type Org @cacheControl(maxAge: 0) { id: ID! name: String }
  union Result = User | Post | Item
  ${FRESHET_SDL} ${KEY_SDL}
`);
const policy = new SchemaPolicy(schema);

/** Writes documents; the same seed writes the same one, plain or with what changes nothing. */
class Writer {
  readonly #random;
  readonly #disguise;
  readonly fragments: string[] = [];

  constructor(seed: string, disguise: string | undefined) {
    this.#random = seededRandom(seed);
    this.#disguise = disguise === undefined ? undefined : seededRandom(`${seed} ${disguise}`);
  }

  selection(type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = [];
    const fields = 'getFields' in type ? Object.values(type.getFields()) : [];
    const names = fields.filter(() => this.#random() < 0.5);
    for (const field of names) parts.push(...this.#field(field, depth));
    if (isAbstractType(type)) {
      for (const object of schema.getPossibleTypes(type)) {
        if (this.#random() > 0.6) continue;
        const inner = this.selection(object, depth);
        parts.push(`... on ${object.name} { ${inner} }`);
      }
    }
    if (parts.length === 0) parts.push('__typename');
    return this.#disguised(parts, type).join(' ');
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string[] {
    const type = getNamedType(field.type);
    // One alias for each field of each type: what is merged has always the same selection.
    const alias = this.#disguise === undefined ? '' : `x${integerBelow(this.#disguise, 1e9)}: `;
    if (isLeafType(type)) return [`${alias}${field.name}`];
    if (depth === 0 || !isCompositeType(type)) return [];
    const unique = alias === '' ? `y${integerBelow(this.#random, 1e9)}: ` : alias;
    if (alias !== '') integerBelow(this.#random, 1e9);
    return [`${unique}${field.name} { ${this.selection(type, depth - 1)} }`];
  }

  #disguised(parts: readonly string[], type: GraphQLCompositeType): readonly string[] {
    const random = this.#disguise;
    if (random === undefined) return parts;
    return parts.map((part) => {
      switch (integerBelow(random, 5)) {
        case 0:
          return `... { ${part} }`;
        case 1:
          return `... on ${type.name} @include(if: true) { ${part} }`;
        case 2: {
          const name = `F${this.fragments.length}`;
          this.fragments.push(`fragment ${name} on ${type.name} { ${part} }`);
          return `...${name}`;
        }
        case 3:
          return `${part} ... @skip(if: false) { ${part} }`;
        default:
          return part;
      }
    });
  }
}

function documentOf(seed: string, disguise?: string): string {
  const writer = new Writer(seed, disguise);
  const query = schema.getQueryType();
  const text = query ? `{ ${writer.selection(query, 3)} }` : '';
  return [text, ...writer.fragments].join('\n');
}

/** Plausible data, the same for the same path of field names. */
function dataOf(seed: string) {
  const value = (type: GraphQLOutputType, path: string): unknown => {
    const random = seededRandom(`${seed} ${path}`);
    const isNull = random() < 0.15;
    if (isNonNullType(type)) return value(type.ofType as GraphQLOutputType, path);
    if (isListType(type)) {
      const { ofType } = type;
      if (isNull) return null;
      return Array.from({ length: integerBelow(random, 3) }, (_, index) =>
        value(ofType, `${path}.${index}`));
    }
    if (isLeafType(type)) return integerBelow(random, 9);
    const isEntity = isNull && !path.endsWith('!');
    if (isEntity) return null;
    const named = getNamedType(type) as GraphQLCompositeType;
    const object = isAbstractType(named) ? pick(random, schema.getPossibleTypes(named)) : named;
    return { __typename: object.name, path };
  };
  return (source: { path?: string } | undefined, field: GraphQLField<unknown, unknown>) => {
    const isRequired = isNonNullType(field.type) ? '!' : '';
    return value(field.type, `${source?.path ?? ''}/${field.name}${isRequired}`);
  };
}

/** What the walk over the answer must find, found while the answer is made. */
function run(text: string, seed: string) {
  const entities = new Set<string>();
  const versions = new Map<string, number>();
  const valueOf = dataOf(seed);
  const meetVersion = (tag: string, version: number): void => {
    entities.add(tag);
    versions.set(tag, Math.min(version, versions.get(tag) ?? version));
  };
  const meet = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const element of value) meet(element);
    } else if (typeof value === 'object' && value !== null) {
      const { __typename: type, path } = value as { __typename: string; path: string };
      const at = (name: string) => String(valueOf({ path }, fieldOf(type, name)));
      if (type === 'User') meetVersion(entityTag('User', at('id')), Number(at('rev')));
      if (type === 'Post') meetVersion(entityTag('Post', at('slug')), Number(at('edition')));
      if (type === 'Org') entities.add(entityTag('Org', at('id')));
      if (type === 'Team') {
        const org = valueOf({ path: `${path}/org!` }, fieldOf('Org', 'id'));
        entities.add(entityTag('Team', String(org), at('number')));
      }
    }
  };
  const result = execute({
    schema,
    document: parse(text),
    fieldResolver: (source: { path?: string } | undefined, _args, _context, info) => {
      const field = info.parentType.getFields()[info.fieldName];
      const value = field && valueOf(source, field);
      meet(value);
      return value;
    },
  }) as ExecutionResult;
  return { result, entities, versions };
}

function fieldOf(type: string, name: string): GraphQLField<unknown, unknown> {
  const object = schema.getType(type);
  const field = object && 'getFields' in object ? object.getFields()[name] : undefined;
  expect(field).toBeDefined();
  return field as GraphQLField<unknown, unknown>;
}

const planOf = (text: string): OperationPlan =>
  planOperation({ policy, schema, document: parse(text) });

const seeds = Array.from({ length: 60 }, (_, index) => `policy ${index}`);

describe('for any document', () => {
  it.each(seeds)('aliases, fragments and directives change nothing (%s)', (seed) => {
    const plain = documentOf(seed);
    const disguised = documentOf(seed, 'disguise');
    expect(validate(schema, parse(disguised)).map(({ message }) => message)).toEqual([]);
    const [one, other] = [planOf(plain), planOf(disguised)];
    const { ttlMs, strategy, scope } = one;
    expect(other).toMatchObject({ ttlMs, strategy, scope });
    expect([...other.declaredTags({})].sort()).toEqual([...one.declaredTags({})].sort());
    const found = (plan: OperationPlan) => {
      const { data } = run(print(plan.completed), seed).result;
      const { tags, versions, isNegative } = plan.harvest(data, {});
      return { tags: [...tags].sort(), versions: Object.fromEntries(versions), isNegative };
    };
    expect(found(other)).toEqual(found(one));
  });

  it.each(seeds)('the completion is valid, and leaves no trace in the answer (%s)', (seed) => {
    const text = documentOf(seed, 'completion');
    const plan = planOf(text);
    expect(validate(schema, plan.completed).map(({ message }) => message)).toEqual([]);
    const asked = run(text, seed);
    const completed = run(print(plan.completed), seed);
    const { data, tags, versions, overflow } = plan.harvest(completed.result.data, {});
    expect(overflow).toBe(false);
    expect(JSON.stringify(data)).toBe(JSON.stringify(asked.result.data));
    const known = new Set<string>([...tags, ...plan.declaredTags({})]);
    for (const entity of asked.entities) expect(known).toContain(entity);
    expect(Object.fromEntries(versions)).toEqual(Object.fromEntries(asked.versions));
    const collections = ['User', 'Post', 'Team', 'Org'].map(collectionTag) as string[];
    const others = [...tags].filter((tag) => !asked.entities.has(tag)
      && !collections.includes(tag) && !tag.endsWith(':posts'));
    expect(others).toEqual([]);
  });

  it('there are entities to be found in the answers', () => {
    const met = seeds.map((seed) => run(documentOf(seed), seed).entities.size);
    expect(met.filter((count) => count > 2).length).toBeGreaterThan(seeds.length / 3);
  });
});
