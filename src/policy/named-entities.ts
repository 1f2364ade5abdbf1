/**
 * The entities that the arguments of a field name: `post(id: 9)` and `deletePost(id: 9): Payload`
 * name post 9, also where the answer is null. An argument, or a member of an input object, counts
 * if it has the name of the key field, or of the type and `Id` (`postId`) for the key `id`.
 */
import { getNamedType, isInputObjectType } from 'graphql';
import { entityTag, type Tag } from '../invalidation/tag.ts';
import type { ArgumentReader } from './argument.ts';
import type { Field } from './field.ts';
import type { Variables } from './plan.ts';
import type { SchemaPolicy } from './schema-policy.ts';
import { textsOf } from './tag-format.ts';

export interface NamedEntitiesSource {
  /** The entities that the field returns, or that its payload holds. */
  readonly types: readonly string[];
  readonly field: Field;
  readonly reader: ArgumentReader;
}

type Path = readonly string[];

/** `undefined` where no argument has such a name. */
export function namedEntities(
  { types, field, reader }: NamedEntitiesSource,
  policy: SchemaPolicy,
): ((variables: Variables) => readonly Tag[]) | undefined {
  const bases: readonly Path[] = [
    [],
    ...field.args
      .filter(({ type }) => isInputObjectType(getNamedType(type)))
      .map(({ name }) => [name]),
  ];
  const candidates = types.flatMap((type) =>
    bases.flatMap((base) =>
      keysOf(type, policy)
        .map((key) => key.map((path) => [...base, ...path]))
        .filter((key) => key.every((path) => hasArgument(field, path)))
        .map((key) => ({ type, key }))));
  if (candidates.length === 0) return undefined;
  return (variables) => candidates.flatMap(({ type, key }) => {
    const values = key.map((path) => {
      const texts: string[] = [];
      textsOf(reader(path, variables), texts);
      return texts;
    });
    const identities = policy.identities(type);
    return idsOf(values).flatMap((ids) => identities.map((one) => entityTag(one, ...ids)));
  });
}

/** Several values of one key field are several entities; those of a composite key don't pair up. */
function idsOf(values: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const [only] = values;
  if (values.length === 1) return (only ?? []).map((id) => [id]);
  return values.every(({ length }) => length === 1) ? [values.flat()] : [];
}

function keysOf(type: string, policy: SchemaPolicy): readonly (readonly Path[])[] {
  const key = policy.keyFields(type);
  const isId = key.length === 1 && key[0]?.join('.') === 'id';
  const typeId = `${type.charAt(0).toLowerCase()}${type.slice(1)}Id`;
  return isId ? [key, [[typeId]]] : [key];
}

function hasArgument(field: Field, [first, second]: Path): boolean {
  const argument = field.args.find(({ name }) => name === first);
  if (argument === undefined || second === undefined) return argument !== undefined;
  const type = getNamedType(argument.type);
  return isInputObjectType(type) && Object.hasOwn(type.getFields(), second);
}
