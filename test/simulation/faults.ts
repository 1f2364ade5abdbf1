/** What goes wrong, for how long, and how it comes right again. */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import { integerBelow, pick } from '../support/seeded-random.ts';
import type { Fleet } from './fleet.ts';
import type { FleetNode } from './fleet-node.ts';
import { ROLES, type Network, type Role, type Wire } from './network.ts';
import type { Origin } from './origin.ts';
import type { SimulatedRedis } from './simulated-redis.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface FaultContext {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: Network;
  readonly redis: SimulatedRedis;
  readonly origin: Origin;
  readonly fleet: Fleet;
  /** How long it lasts. */
  readonly forMs: Millis;
  /** Calls back when it is over, or sooner when all faults end. */
  readonly later: (task: () => void) => void;
  /** All faults have ended. */
  readonly isOver: () => boolean;
}

/** Makes the fault; returns what it is, for people. */
type Fault = (context: FaultContext) => string;

const FAULTS = {
  'node refused': (context) => onWires(context, 'refused', (wire) => wire.refuse()),
  'node silent': (context) => onWires(context, 'silent', (wire) => wire.silence()),
  'connection cut': ({ fleet, random }) => {
    const node = victim(fleet, random);
    const role = pick(random, ROLES);
    node.wires[role].cut();
    return `${node.name}: connection to ${role} cut`;
  },
  'answers lost': ({ fleet, random }) => {
    const node = victim(fleet, random);
    node.wires.append.answersToLose = 1 + integerBelow(random, 3);
    return `${node.name}: answers to its next appends are lost`;
  },
  'network slow': ({ network, random, later }) => {
    const usualMs = network.latencyMsMax;
    network.latencyMsMax = pick(random, [30, 120, 400]);
    later(() => {
      network.latencyMsMax = usualMs;
    });
    return `network slow, up to ${network.latencyMsMax} ms`;
  },
  'events held': ({ fleet, random, forMs }) => {
    const node = victim(fleet, random);
    node.log.heldUntil = node.clock.now() + forMs;
    return `${node.name}: events of the log held up for ${Math.round(forMs)} ms`;
  },
  'process frozen': ({ fleet, random, later }) => {
    const node = victim(fleet, random);
    node.clock.freeze();
    later(() => node.clock.thaw());
    return `${node.name}: frozen`;
  },
  'process killed': ({ fleet, random, later }) => {
    const node = victim(fleet, random);
    fleet.kill(node);
    later(() => fleet.replace(node));
    return `${node.name}: killed`;
  },
  'process restarted': ({ fleet, random }) => {
    const node = victim(fleet, random);
    fleet.restart(node);
    return `${node.name}: restarted in good order`;
  },
  'redis stopped': ({ redis, later }) => {
    redis.isStopped = true;
    later(() => redis.resume());
    return 'redis: stopped';
  },
  'redis restarted': (context) => {
    down(context);
    return 'redis: down, keeps all';
  },
  'redis wiped': (context) => {
    down(context);
    context.redis.wipe();
    return 'redis: down, keeps nothing';
  },
  'redis failed over': (context) => {
    const { redis, random, fleet } = context;
    const before = redis.snapshot();
    const behindMs = pick(random, [5, 50, 400]) * random();
    const clockAheadMs = redis.clockAheadMs + pick(random, [0, 0, -200, 200, -2_000]);
    context.time.after(behindMs, () => {
      if (context.isOver()) return;
      down(context);
      redis.restore(before);
      fleet.setRedisClock(clockAheadMs);
      fleet.lost(before.appended);
    });
    return `redis: fails over to a replica that is ${Math.round(behindMs)} ms behind`;
  },
  'redis clock stepped': ({ redis, random, fleet }) => {
    const stepMs = pick(random, [-3_000, -300, 300, 3_000]);
    fleet.setRedisClock(redis.clockAheadMs + stepMs);
    return `redis: clock steps by ${stepMs} ms`;
  },
  'log trimmed': ({ redis, random }) => {
    const keep = integerBelow(random, 4);
    redis.dropEntries((place, count) => place < count - keep);
    return `redis: log trimmed to ${keep}`;
  },
  'records deleted': ({ redis, random }) => {
    const which = random();
    redis.dropEntries((place, count) => place === Math.floor(count * (0.7 + 0.3 * which)));
    return 'redis: a record deleted';
  },
  'log deleted': ({ redis }) => {
    redis.deleteStream();
    return 'redis: log deleted';
  },
  'cache evicted': ({ redis, random }) => {
    const share = pick(random, [0.3, 1]);
    redis.evict(() => random() < share);
    return `redis: evicts ${share * 100} % of the cache`;
  },
  'cache restored': ({ redis, later }) => {
    const before = redis.snapshot();
    later(() => redis.restoreHashes(before));
    return 'redis: the cache will be as it is now, later';
  },
  'origin slow': ({ origin, random, later }) => {
    const usualMs = origin.readMsMax;
    origin.readMsMax = pick(random, [100, 500, 2_500]);
    later(() => {
      origin.readMsMax = usualMs;
    });
    return `origin slow, up to ${origin.readMsMax} ms`;
  },
  'origin fails': ({ origin, later }) => {
    origin.failures = 0.4;
    later(() => {
      origin.failures = 0;
    });
    return 'origin fails now and then';
  },
  'origin out': ({ origin, random, later }) => {
    origin.outages = pick(random, [0.5, 1]);
    later(() => {
      origin.outages = 0;
    });
    return 'origin cannot be reached';
  },
  'locks lost': ({ redis }) => {
    redis.loseLocks();
    return 'redis: all locks are lost';
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

export function makeFault(name: FaultName, context: FaultContext): string {
  return FAULTS[name](context);
}

/** In some runs one place is hit again and again, before it has come right. */
function victim({ nodes, victimShare }: Fleet, random: Random): FleetNode {
  return random() < victimShare ? nodes[0] as FleetNode : pick(random, nodes);
}

/** One, some or all of the ways from one node. */
function onWires(
  { fleet, random, later }: FaultContext,
  how: string,
  act: (wire: Wire) => void,
): string {
  const node: FleetNode = victim(fleet, random);
  const way = random();
  const one = pick(random, ROLES);
  const isHit = (role: Role): boolean => (way < 0.7 ? role === one : random() < 0.5);
  const roles = way < 0.3 ? ROLES : ROLES.filter(isHit);
  for (const role of roles) act(node.wires[role]);
  later(() => {
    for (const role of roles) node.wires[role].heal();
  });
  return `${node.name}: ${how}: ${roles.join(', ')}`;
}

function down({ redis, network, later }: FaultContext): void {
  redis.isStopped = false;
  redis.isDown = true;
  network.cutAll();
  later(() => {
    redis.isDown = false;
  });
}
