/** The kill switch: caching off and on again, whole or for a type, on this node or on the fleet. */
import { z } from 'zod';
import type { SwitchedOff } from '../../cache/caching-switch.ts';
import type { Operations, SwitchState } from '../../gateway/operations.ts';
import type { Switching } from '../../invalidation/switching.ts';
import { collectionTag } from '../../invalidation/tag.ts';
import type { Logger } from '../logger.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import { answerDryRun, dryRunAnswer, orderMembers, typeName } from './answers.ts';
import { recorded } from './invalidate-routes.ts';
import type { Invalidator } from './invalidator.ts';
import { newRequestId, type Asked } from './order.ts';
import { routeWith, type Route } from './route.ts';

export interface SwitchRoutesOptions {
  readonly invalidator: Invalidator;
  readonly colleagues: Colleagues | undefined;
  readonly log: Pick<Logger, 'warn'>;
}

const body = z.strictObject({
  caching: z.enum(['on', 'off']),
  type: typeName.optional().meta({ description: 'What depends on a type. Default: everything.' }),
  scope: z.enum(['fleet', 'node']).default('fleet')
    .meta({ description: 'All nodes, also those that start later, or this one until it ends.' }),
  ...orderMembers,
});

const switchedOff = z.strictObject({ all: z.boolean(), types: z.array(z.string()) });
const state = z.strictObject({
  caching: z.enum(['on', 'off']).meta({ description: 'Of everything, on this node.' }),
  off_on_fleet: switchedOff,
  off_on_node: switchedOff,
});
const switchAnswer = z.strictObject({
  success: z.literal(true),
  request_id: z.string(),
  published_at: z.string().nullable(),
  position: z.string().nullable().meta({ description: 'Null for a node: it is not in the log.' }),
  state,
});

const SWITCH = 'switch';
const SWITCHED = 'switched';

export function switchRoutes(options: SwitchRoutesOptions): Route[] {
  const { invalidator } = options;
  return [
    {
      method: 'get', path: '/admin/cache/switch', summary: 'Whether caching is on.',
      access: 'read', answer: state, refusals: [],
      handle: async () => stateOf(invalidator.operations.caching),
    },
    routeWith({
      method: 'post', path: '/admin/cache/switch', summary: 'Switch caching off, and on again.',
      access: 'admin', body, answer: switchAnswer, dryRun: dryRunAnswer,
      refusals: ['REQUEST_ID_REUSED', 'LOG_UNAVAILABLE'],
      handle: async (said, { identity, dryRun }) => {
        const { caching, type, scope, request_id: requestId } = said;
        const switching: Switching = {
          state: caching, ...(type !== undefined && { type: collectionTag(type) }),
        };
        const { name: actor } = identity;
        const asked: Asked = {
          order: { kind: 'switch', switching }, actor, requestId,
          triggeredBy: said.triggered_by, reason: said.reason,
        };
        if (dryRun) return answerDryRun(await invalidator.dryRun(asked));
        const done = scope === 'fleet'
          ? recorded(await invalidator.carryOut(asked))
          : await switchNode(switching, { actor, requestId }, options);
        return { success: true, ...done, state: stateOf(invalidator.operations.caching) };
      },
    }),
  ];
}

/** Lets the other processes of this node switch this one, and tell it how they are switched. */
export function joinSwitch(operations: Operations, colleagues: Colleagues | undefined): void {
  colleagues?.tell(SWITCH, (switching) => operations.switchHere(switching as Switching));
  colleagues?.tell(SWITCHED, () => operations.caching.node);
}

/** A process that takes the place of another begins as the others are. */
export async function takeOverSwitch(
  operations: Operations,
  colleagues: Colleagues | undefined,
): Promise<void> {
  const others = await colleagues?.ask(SWITCHED) ?? [];
  for (const other of others) operations.takeOver(other as SwitchedOff);
}

async function switchNode(
  switching: Switching,
  { actor, requestId }: { actor: string; requestId: string | undefined },
  { invalidator, colleagues, log }: SwitchRoutesOptions,
) {
  invalidator.operations.switchHere(switching);
  await colleagues?.ask(SWITCH, switching);
  log.warn({ actor, ...switching }, 'caching switched on this node');
  return { request_id: requestId ?? newRequestId(), published_at: null, position: null };
}

function stateOf({ isOn, fleet, node }: SwitchState): z.output<typeof state> {
  const copy = ({ all, types }: SwitchedOff) => ({ all, types: [...types] });
  return { caching: isOn ? 'on' : 'off', off_on_fleet: copy(fleet), off_on_node: copy(node) };
}
