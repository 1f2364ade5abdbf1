/** What the fields of the kit's origin answer. */
import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Item, NewItem, OriginData } from './origin-data.ts';
import { SUBGRAPH_SDL } from './origin-schema.ts';
import type { Misfortune, Watch } from './watch.ts';

export interface Operation {
  /** The header Authorization. */
  readonly authorization: string | null;
  /** The keys of what it has read. */
  readonly reads: Set<string>;
  /** Whether it is to be answered with status 500. */
  broken: boolean;
}

export interface OriginWorld {
  readonly data: OriginData;
  readonly watch: Watch;
  readonly run: string;
}

/** How the origin calls a caller: never by the credentials themselves. */
export function callerName(authorization: string): string {
  return `caller ${createHash('sha256').update(authorization).digest('hex').slice(0, 8)}`;
}

type Arguments = Readonly<Record<string, string>>;
type ReadItem = Item & { readonly broken?: boolean };

export function originResolvers(world: OriginWorld) {
  const { data, watch, run } = world;
  let unknownCallers = 0;
  const reading = ({ reads }: Operation, key: string): Misfortune | undefined => {
    reads.add(key);
    return watch.read(key);
  };
  const item = ({ id = '' }: Arguments, operation: Operation): ReadItem | undefined => {
    const misfortune = reading(operation, `item:${id}`);
    if (misfortune === 'root') throw new GraphQLError('The origin fails, as it was told to.');
    operation.broken ||= misfortune === 'status';
    const known = data.item(id);
    return known && { ...known, broken: misfortune === 'field' };
  };
  const maker = (id: string, operation: Operation) => {
    reading(operation, `maker:${id}`);
    return data.maker(id);
  };
  const entity = (reference: Arguments, operation: Operation): object | null => {
    const { __typename: type = '', id = '' } = reference;
    const found = type === 'Maker' ? maker(id, operation) : item({ id }, operation);
    return found === undefined ? null : { __typename: type, ...found };
  };
  return {
    Query: {
      item: (_: unknown, args: Arguments, operation: Operation) => item(args, operation),
      items: (_: unknown, { shelf = '' }: Arguments, operation: Operation) => {
        reading(operation, `items:${shelf}`);
        return data.itemsOn(shelf);
      },
      echo: (_: unknown, args: Arguments) => ({ ...args, run }),
      me: (_: unknown, __: unknown, { authorization }: Operation) =>
        (authorization === null ? null : { id: callerName(authorization) }),
      _service: () => ({ sdl: SUBGRAPH_SDL }),
      _entities: (
        _: unknown, { representations }: { representations: Arguments[] }, operation: Operation,
      ) => representations.map((reference) => entity(reference, operation)),
    },
    Mutation: {
      createItem: (_: unknown, args: NewItem) => data.createItem(args),
      renameItem: (_: unknown, { id = '', name = '' }: Arguments) => data.renameItem(id, name),
      removeItem: (_: unknown, { id = '' }: Arguments) => data.removeItem(id),
      renameMaker: (_: unknown, { id = '', name = '' }: Arguments) => data.renameMaker(id, name),
    },
    Item: {
      maker: ({ makerId }: Item, _: unknown, operation: Operation) =>
        (makerId === undefined ? null : maker(makerId, operation)),
      note: ({ name, broken }: ReadItem) => {
        if (broken) throw new GraphQLError('The origin fails, as it was told to.');
        return `about ${name}`;
      },
      secret: ({ id }: Item, _: unknown, operation: Operation) => {
        reading(operation, `secret:${id}`);
        const { authorization } = operation;
        if (authorization !== null) return `for ${callerName(authorization)}`;
        unknownCallers += 1;
        return `for somebody unknown, read ${unknownCallers}`;
      },
    },
  };
}
