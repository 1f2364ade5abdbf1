/** What an operator wants to be invalidated, and the message that says so. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../invalidation/clock.ts';
import { digestOf } from '../../invalidation/digest.ts';
import { MessageMaker } from '../../invalidation/message-maker.ts';
import type { InvalidationMessage, Metadata } from '../../invalidation/message.ts';
import { readPattern } from '../../invalidation/pattern.ts';
import { switchingMessage, type Switching } from '../../invalidation/switching.ts';
import { collectionTag, tagOf, type Tag } from '../../invalidation/tag.ts';

export type Order =
  /** Cache keys, each with all that depends on it. */
  | { readonly kind: 'key'; readonly keys: readonly string[] }
  /** What a pattern matches; `cacheKeys` are looked at as well, when it is told what that is. */
  | { readonly kind: 'pattern'; readonly pattern: string; readonly cacheKeys: readonly string[] }
  /** All entities of a type, their parts, and all lists of them: its collection tag. */
  | { readonly kind: 'type'; readonly type: Tag }
  /** Everything. */
  | { readonly kind: 'all' }
  /** Caching off or on, on all nodes. */
  | { readonly kind: 'switch'; readonly switching: Switching };

/** An order, and who gives it. */
export interface Asked {
  readonly order: Order;
  readonly actor: string;
  /** Default: `signed`, or a new one. */
  readonly requestId?: string | undefined;
  /** On whose behalf, as the caller says. */
  readonly triggeredBy?: string | undefined;
  readonly reason?: string | undefined;
  /** Of a webhook: what tells it from others. */
  readonly signed?: string | undefined;
}

/**
 * Whether it ends everything, or as good as that, in whatever words: that is for admins. It keeps
 * from a slip, and not who wants to end one type after another. Throws PATTERN_INVALID.
 */
export function isOfAll(order: Order): boolean {
  if (order.kind !== 'pattern') return order.kind === 'all';
  const purge = readPattern(order.pattern);
  if (purge.kind !== 'pattern') return purge.kind === 'all';
  return PROBES.some((tags) => tags.every((tag) => purge.pattern.matches(tag)));
}

/**
 * Tags that nobody has, of entities and of types. They have nothing in common but their form, so
 * what matches all of either matches them for that.
 */
const PROBES: readonly (readonly Tag[])[] = [
  [tagOf(['zqx', '70418']), tagOf(['wvj', 'Kf-b']), tagOf(['hmy', 'P_u', '3d~G'])],
  [collectionTag('zqxk0'), collectionTag('wvj_b'), collectionTag('hmyfpgud')],
];

/** Equal orders have equal ones. */
export function fingerprintOf({ order }: Asked): string {
  return digestOf(JSON.stringify(order));
}

/**
 * Throws PATTERN_INVALID, MESSAGE_INVALID. `requestId` names the message too, so that the log takes
 * it once, whichever nodes are asked.
 */
export function messageOf(
  asked: Asked,
  { clock, requestId }: { clock: Clock; requestId: string },
): InvalidationMessage {
  const { order, actor, reason, triggeredBy, signed } = asked;
  const newId = (): string => idOf(requestId);
  const maker = new MessageMaker({ sourceService: 'freshet', clock, newId });
  const metadata: Metadata = {
    actor,
    request_id: requestId,
    request_fingerprint: fingerprintOf(asked),
    ...(reason !== undefined && { reason }),
    ...(triggeredBy !== undefined && { triggered_by: triggeredBy }),
    ...(signed !== undefined && { signed }),
  };
  switch (order.kind) {
    case 'key':
      return maker.batch(order.keys, metadata);
    case 'pattern':
      return maker.pattern(order.pattern, metadata);
    case 'type':
      return maker.pattern(`${order.type}:*`, { ...metadata, cascade: [order.type] });
    case 'all':
      return maker.pattern('*', metadata);
    case 'switch':
      return switchingMessage(order.switching, { maker, metadata });
    default:
      return order satisfies never;
  }
}

export function newRequestId(): string {
  return randomUUID();
}

/** A hash in the form of a UUID, as readers of `message_id` expect (RFC 9562, version 8). */
function idOf(requestId: string): string {
  const hex = createHash('sha256').update(`freshet request ${requestId}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) % 4) + 8).toString(16);
  return [
    hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32),
  ].join('-');
}
