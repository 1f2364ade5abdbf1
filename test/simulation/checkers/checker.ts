/** What a checker is told. Each holds one property, and knows nothing of the others. */
import type { Millis } from '../../../src/invalidation/clock.ts';
import type { Position } from '../../../src/invalidation/position.ts';
import type { Answer, FleetNode, Loaded, Loading, Request } from '../fleet-node.ts';
import type { Fleet } from '../fleet.ts';
import type { Cover, Ledger, Required } from '../ledger.ts';
import type { Origin } from '../origin.ts';
import type { LockEvent } from '../simulated-redis.ts';

/** A request on its way through a node. */
export interface Visit {
  readonly client: number;
  readonly node: FleetNode;
  readonly request: Request;
  /** The versions that the node knew of when the request arrived. */
  readonly known: Required;
  /** How often the node had been frozen when the request arrived. */
  readonly freezes: number;
}

/** A mutation that was answered. */
export interface OwnWrite {
  readonly client: number;
  readonly node: FleetNode;
  readonly covers: readonly Cover[];
  /** In the log; undefined where it could not be reached in time. */
  readonly position: Position | undefined;
  readonly beganAt: Millis;
  readonly answeredAt: Millis;
  readonly freezes: number;
}

export interface CheckerContext {
  readonly now: () => Millis;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly origin: Origin;
  /** Tells a violation, in words. */
  readonly report: (text: string) => void;
}

export interface Checker {
  arrived?(visit: Visit): void;
  answered?(visit: Visit, answer: Answer): void;
  failed?(visit: Visit, error: unknown): void;
  wrote?(write: OwnWrite): void;
  writeFailed?(node: FleetNode, error: unknown): void;
  loading?(load: Loading): void;
  loaded?(load: Loading, how: Loaded): void;
  found?(node: FleetNode, key: string): void;
  lockTaken?(node: FleetNode, key: string, leaseMs: Millis): void;
  lockLooked?(node: FleetNode, key: string): void;
  lock?(event: LockEvent): void;
  /** Now and then, of each node that is up. */
  inspect?(node: FleetNode): void;
  /** All faults have ended a while ago and nothing is written any more. */
  settled?(node: FleetNode, again: readonly Answer[]): void;
}
