/** Plans documents of a schema that is written in the test. */
import { buildSchema, parse, print, validate } from 'graphql';
import { expect } from 'vitest';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { planOperation } from '../../src/policy/operation-plan.ts';
import type { OperationPlan } from '../../src/policy/plan.ts';
import { SchemaPolicy, type SchemaPolicyOptions } from '../../src/policy/schema-policy.ts';

export const KEY_SDL = `scalar FieldSet
  directive @key(fields: FieldSet!, resolvable: Boolean) repeatable on OBJECT | INTERFACE`;

/** Both the document and its completion are valid under the schema. */
export function planner(
  sdl: string,
  options: SchemaPolicyOptions = {},
): (text: string) => OperationPlan {
  const schema = buildSchema(`${sdl}\n${FRESHET_SDL}\n${KEY_SDL}`);
  const policy = new SchemaPolicy(schema, options);
  return (text) => {
    const document = parse(text);
    expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
    const plan = planOperation({ policy, schema, document });
    const problems = validate(schema, plan.completed).map(({ message }) => message);
    expect(problems).toEqual([]);
    return plan;
  };
}

/** In one line, without what does not matter. */
export function textOf({ completed }: OperationPlan): string {
  return print(completed).replace(/\s+/g, ' ').trim();
}
