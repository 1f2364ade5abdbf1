/** Requests as the gateway tells of them on its channel. */
import { buildSchema, parse } from 'graphql';
import {
  identityOf, type OperationIdentity, type RequestAnswered,
} from '../../../src/gateway/diagnostics.ts';
import { PlanCache } from '../../../src/gateway/caching/plan-cache.ts';
import { SchemaPolicy } from '../../../src/policy/schema-policy.ts';

/** Of the same form as that of the operators' app in tests. */
const schema = buildSchema(`
  type Query { user(id: ID): User users(ids: [ID!], name: String, age: Int): [User] }
  type Mutation { rename(id: ID): User }
  type User { id: ID name: String }
`);
const policy = new SchemaPolicy(schema, { keyFields: { User: ['id'] } });
const plans = new PlanCache(policy, schema);

/** The documents are kept, as the gateway keeps them while they are asked for. */
const documents = new Set<object>();

export function operationOf(text: string): OperationIdentity {
  const document = parse(text);
  documents.add(document);
  const named = { document, operationName: null };
  return identityOf(named, plans.of(named));
}

export function request(
  operation: OperationIdentity | undefined,
  told: Partial<RequestAnswered> = {},
): RequestAnswered {
  return {
    outcome: 'hit_l1', durationMs: 1, operation, why: undefined, isPrivate: false,
    subgraphCalls: 0, subgraphCallsSaved: 0, ...told,
  };
}
