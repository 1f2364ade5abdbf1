/** Invalidation by HTTP: `/invalidate/*`, `/admin/cache/*`, and signed at `/webhook/invalidate`. */
import { z } from 'zod';
import { invalidRequest } from '../../gateway/http/refusal.ts';
import { formatPosition } from '../../invalidation/position.ts';
import { collectionTag } from '../../invalidation/tag.ts';
import { requireRole } from './access.ts';
import {
  allAnswer, answerDryRun, dryRunAnswer, key, keyAnswer, keysMember, orderMembers, pattern,
  patternAnswer, typeAnswer, typeName,
} from './answers.ts';
import type { Done, Invalidator } from './invalidator.ts';
import { isOfAll, type Asked, type Order } from './order.ts';
import { routeWith, type Route, type RouteAsked } from './route.ts';
import { SIGNATURE_HEADER } from './signature.ts';

const keyBody = z.strictObject({ keys: keysMember, ...orderMembers });
const patternBody = z.strictObject({
  pattern, cache_keys: z.array(key).max(1_000).default([]), ...orderMembers,
});
const typeBody = z.strictObject({ type: typeName, ...orderMembers });
/** All of it is signed, so that nobody can turn a dry run into the real thing. */
const webhookMembers = {
  ...orderMembers,
  dry_run: z.boolean().default(false)
    .meta({ description: 'True: says what it would do, and changes nothing.' }),
};
const webhookBody = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('key'), keys: keysMember, ...webhookMembers }),
  z.strictObject({ type: z.literal('pattern'), pattern, ...webhookMembers }),
  z.strictObject({ type: z.literal('type'), entity_type: typeName, ...webhookMembers }),
  z.strictObject({ type: z.literal('all'), ...webhookMembers }),
]);

const ORDER_REFUSALS = ['REQUEST_ID_REUSED', 'LOG_UNAVAILABLE'] as const;

export function invalidateRoutes(invalidator: Invalidator): Route[] {
  const carryOut = (order: Order, said: Said, asked: RouteAsked): Promise<object> =>
    answerOrder({ order, said, asked }, invalidator);
  const byPattern = {
    method: 'post', body: patternBody, answer: patternAnswer, access: 'purge',
    dryRun: dryRunAnswer, refusals: [...ORDER_REFUSALS, 'PATTERN_INVALID'],
    handle: (body: z.output<typeof patternBody>, asked: RouteAsked) => carryOut(
      { kind: 'pattern', pattern: body.pattern, cacheKeys: body.cache_keys }, body, asked,
    ),
  } as const;
  return [
    routeWith({
      method: 'post', path: '/invalidate/key', summary: 'Invalidate keys.',
      access: 'purge', body: keyBody, answer: keyAnswer, dryRun: dryRunAnswer,
      refusals: ORDER_REFUSALS,
      handle: (body, asked) => carryOut({ kind: 'key', keys: unique(body.keys) }, body, asked),
    }),
    routeWith({ ...byPattern, path: '/invalidate/pattern', summary: PATTERN_SUMMARY }),
    routeWith({
      method: 'post', path: '/invalidate/type', summary: 'Invalidate all of a type.',
      access: 'purge', body: typeBody, answer: typeAnswer, dryRun: dryRunAnswer,
      refusals: ORDER_REFUSALS,
      handle: (body, asked) => carryOut(typeOrder(body.type), body, asked),
    }),
    {
      method: 'delete', path: '/admin/cache/invalidate/:key{.+}', summary: 'Invalidate one key.',
      access: 'purge', answer: keyAnswer, dryRun: dryRunAnswer, refusals: ['LOG_UNAVAILABLE'],
      parameters: { key: 'The key, percent-encoded.' },
      handle: async (asked) => {
        const parsed = keyBody.safeParse({ keys: [asked.parameter('key')] });
        if (!parsed.success) throw invalidRequest('Path: a key without a star', 'another text');
        return carryOut({ kind: 'key', keys: parsed.data.keys }, {}, asked);
      },
    },
    routeWith({ ...byPattern, path: '/admin/cache/invalidate-pattern', summary: PATTERN_SUMMARY }),
    {
      method: 'delete', path: '/admin/cache/clear', summary: 'Invalidate everything.',
      access: 'admin', answer: allAnswer, dryRun: dryRunAnswer, refusals: ['LOG_UNAVAILABLE'],
      handle: (asked) => carryOut({ kind: 'all' }, {}, asked),
    },
    routeWith({
      method: 'post', path: '/webhook/invalidate', access: 'signature',
      summary: `Invalidate, signed by ${SIGNATURE_HEADER}: t=<seconds>,v1=<HMAC-SHA-256>.`,
      body: webhookBody, answer: z.union([keyAnswer, patternAnswer, typeAnswer, allAnswer]),
      dryRun: dryRunAnswer,
      refusals: [
        ...ORDER_REFUSALS, 'PATTERN_INVALID', 'SIGNATURE_INVALID', 'SIGNATURE_REPLAYED',
        'WEBHOOK_UNCONFIGURED',
      ],
      handle: (body, asked) =>
        carryOut(webhookOrder(body), body, { ...asked, dryRun: body.dry_run }),
    }),
  ];
}

const PATTERN_SUMMARY = 'Invalidate what a pattern matches.';

/** What callers say beside the order. */
interface Said {
  readonly request_id?: string | undefined;
  readonly triggered_by?: string | undefined;
  readonly reason?: string | undefined;
}

async function answerOrder(
  { order, said, asked: { identity, dryRun, signed } }: {
    order: Order; said: Said; asked: RouteAsked;
  },
  invalidator: Invalidator,
): Promise<object> {
  const asked: Asked = {
    order,
    actor: identity.name,
    requestId: said.request_id,
    triggeredBy: said.triggered_by,
    reason: said.reason,
    signed,
  };
  if (dryRun) return answerDryRun(await invalidator.dryRun(asked));
  if (isOfAll(order)) requireRole(identity, 'admin');
  const done = await invalidator.carryOut(asked);
  return { success: true, ...told(order, done), ...recorded(done) };
}

export function recorded({ requestId, publishedAt, position }: Omit<Done, 'survey'>) {
  return {
    request_id: requestId, published_at: publishedAt, position: formatPosition(position),
  };
}

function told(order: Order, { survey }: Done): object {
  const matched = { matched_keys: survey.tags, invalidated_count: survey.count };
  switch (order.kind) {
    case 'key':
      return { invalidated_count: order.keys.length, keys: order.keys };
    case 'pattern':
      return { pattern: order.pattern, ...matched };
    case 'type':
      return { type: order.type, ...matched };
    case 'all':
    case 'switch':
      return { invalidated_count: survey.count };
    default:
      return order satisfies never;
  }
}

function typeOrder(name: string): Order {
  return { kind: 'type', type: collectionTag(name) };
}

function webhookOrder(body: z.output<typeof webhookBody>): Order {
  switch (body.type) {
    case 'key':
      return { kind: 'key', keys: unique(body.keys) };
    case 'pattern':
      return { kind: 'pattern', pattern: body.pattern, cacheKeys: [] };
    case 'type':
      return typeOrder(body.entity_type);
    case 'all':
      return { kind: 'all' };
    default:
      return body satisfies never;
  }
}

function unique(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)];
}
