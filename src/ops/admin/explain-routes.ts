/** Why something is answered as it is: `POST /admin/cache/explain`. */
import { z } from 'zod';
import type { Explainer } from '../../gateway/explaining/explainer.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { key } from './answers.ts';
import {
  answerKey, answerOperation, keyAnswer, operationAnswer, type NodeMembers,
} from './explain-answers.ts';
import { routeWith, type Route } from './route.ts';

export interface ExplainRoutesOptions {
  readonly clock: Clock;
  /** Throws STARTING. */
  readonly explainer: () => Explainer;
  /** How this node stands. */
  readonly node: () => NodeMembers;
}

const QUERY_LENGTH_MAX = 1_000_000;
const HEADERS_MAX = 100;

/** Visible characters, spaces and tabs (RFC 9110, section 5.5), as HTTP would let them through. */
const headerValue = z.string().max(16_384).regex(/^[\t\x20-\x7e\x80-\xff]*$/);
const headers = z.record(z.string().max(100).regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), headerValue)
  .refine((some) => Object.keys(some).length <= HEADERS_MAX, `at most ${HEADERS_MAX} headers`)
  .meta({
    description: 'As the caller would send them, credentials too: they say who asks, as in a ' +
      'real request, and are neither logged nor told. At most 100.',
  });

const operationBody = z.strictObject({
  query: z.string().min(1).max(QUERY_LENGTH_MAX),
  variables: z.record(z.string(), z.unknown()).default({}),
  operation_name: z.string().max(1_000).optional(),
  headers: headers.default({}),
});
const keyBody = z.strictObject({
  key: key.meta({ description: 'A cache key or a tag, user:123, or response:<hash>.' }),
});

export function explainRoutes({ clock, explainer, node }: ExplainRoutesOptions): Route[] {
  return [routeWith({
    method: 'post', path: '/admin/cache/explain', access: 'read',
    summary: 'Why an operation or a key is answered as it is; it changes nothing.',
    body: z.union([operationBody, keyBody]),
    answer: z.union([operationAnswer, keyAnswer]),
    refusals: [
      'DOCUMENT_LIMIT_EXCEEDED', 'ALIAS_RESERVED', 'POSITION_INVALID', 'MESSAGE_INVALID',
      'MESSAGE_TOO_LARGE', 'TAG_INVALID',
    ],
    async handle(body) {
      const of = { clock, node: node() };
      if ('key' in body) return answerKey(await explainer().key(body.key), of);
      const { query, variables, operation_name: operationName, headers: sent } = body;
      const question = { query, variables, operationName, headers: sent };
      return answerOperation(await explainer().operation(question), of);
    },
  })];
}
