/**
 * The value of an argument as the client wrote it: an enum by its name, a whole number with all
 * its digits (an id may be longer than a double holds), defaults of the operation and the schema
 * filled in.
 */
import {
  astFromValue,
  getNamedType,
  isInputObjectType,
  Kind,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLInputField,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import type { Field } from './field.ts';
import type { Variables } from './plan.ts';

type VariableDefaults = ReadonlyMap<string, ValueNode>;

/** Reads arguments of one field under the variables of one request. */
export type ArgumentReader = (path: readonly string[], variables: Variables) => unknown;

export function variableDefaults(operation: OperationDefinitionNode): VariableDefaults {
  return new Map(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      (defaultValue === undefined ? [] : [[variable.name.value, defaultValue]])),
  );
}

export function argumentReader(
  field: Field,
  node: FieldNode,
  defaults: VariableDefaults,
): ArgumentReader {
  const given = new Map((node.arguments ?? []).map(({ name, value }) => [name.value, value]));
  return ([first, ...rest], variables) => {
    const definition = field.args.find(({ name }) => name === first);
    if (definition === undefined) return undefined;
    const valueNode = given.get(definition.name);
    const value = valueNode && valueOf(valueNode, variables, defaults);
    return descend(value === undefined ? defaultOf(definition) : value, rest, definition);
  };
}

function descend(
  value: unknown,
  path: readonly string[],
  definition: GraphQLArgument | GraphQLInputField,
): unknown {
  const [first, ...rest] = path;
  if (first === undefined || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => descend(element, path, definition));
  const type = getNamedType(definition.type);
  if (typeof value !== 'object') return undefined;
  const member = Object.hasOwn(value, first) ? (value as Variables)[first] : undefined;
  const input = isInputObjectType(type) ? type.getFields()[first] : undefined;
  // A custom scalar (JSON) has members that no type tells of.
  if (input === undefined) return rest.reduce(memberOf, member);
  return descend(member === undefined ? defaultOf(input) : member, rest, input);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Variables)[name] : undefined;
}

function defaultOf({ astNode, defaultValue, type }: GraphQLArgument | GraphQLInputField): unknown {
  if (defaultValue === undefined) return undefined;
  const node = astNode?.defaultValue ?? astFromValue(defaultValue, type);
  return node ? valueOf(node, {}, new Map()) : undefined;
}

function valueOf(node: ValueNode, variables: Variables, defaults: VariableDefaults): unknown {
  switch (node.kind) {
    case Kind.VARIABLE: {
      const name = node.name.value;
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      const byDefault = defaults.get(name);
      return value === undefined && byDefault ? valueOf(byDefault, {}, new Map()) : value;
    }
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((value) => valueOf(value, variables, defaults));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, valueOf(value, variables, defaults)]),
      );
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.INT:
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
    default:
      return node satisfies never;
  }
}
