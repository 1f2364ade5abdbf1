/** When an operation is executed without the cache being asked. */
import type { DocumentNode } from 'graphql';
import type { OperationPlan } from '../../policy/plan.ts';
import type { Bypass } from './answer.ts';
import { isIncremental } from './operation-key.ts';
import type { Audience } from './scope.ts';

export interface BypassQuestion {
  readonly plan: OperationPlan;
  readonly document: DocumentNode;
  readonly audience: Audience | undefined;
  readonly enabled: boolean;
  /** This node has not heard of all that the client has seen. */
  readonly behind: boolean;
}

export function bypassReason(asked: BypassQuestion): Bypass | undefined {
  const { plan, audience, enabled, behind, document } = asked;
  if (plan.operation !== 'query') return plan.operation;
  if (plan.introspection) return 'introspection';
  if (isIncremental(document)) return 'incremental';
  if (!enabled) return 'disabled';
  if (plan.ttlMs <= 0) return 'uncacheable';
  if (audience === undefined) return 'private';
  return behind ? 'behind' : undefined;
}
