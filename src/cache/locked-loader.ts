/**
 * Loads a key on one node of the fleet at a time: who gets the lock loads, the others look for what
 * it stores in L2. It promises that nobody waits longer than the lease that they asked for, and
 * that who finds nothing loads: a lock that is lost, or whose owner died, costs a load or a wait.
 */
import { pause, type Clock, type Millis, type Random } from '../invalidation/clock.ts';
import type { Lease, LoadLock } from './load-lock.ts';
import type { Load } from './load.ts';
import type { Loader } from './loader.ts';
import type { Patience } from './patience.ts';
import type { Tiers } from './tiers.ts';
import { isOpen, type Want } from './want.ts';

export interface LockedLoaderOptions {
  readonly lock: LoadLock;
  readonly loader: Loader;
  readonly tiers: Tiers;
  readonly clock: Clock;
  readonly random: Random;
  /** Where it counts. */
  readonly stats: LockStats;
}

export interface LockStats {
  /** Keys that waited for another node to load them. */
  lockWaits: number;
  /** Of those, the keys that were found in L2. */
  lockHits: number;
}

/** Between two looks: long enough for Redis, short beside a load that is worth a lock. */
const LOOK_MS_MIN = 20;
const LOOK_MS_MAX = 50;

export class LockedLoader {
  readonly #options: LockedLoaderOptions;

  constructor(options: LockedLoaderOptions) {
    this.#options = options;
  }

  /** As `Loader.load`, under the lock for those that have a flight. */
  async load(
    missing: readonly Want[],
    { load, leaseMs, patience }: { load: Load; leaseMs: Millis; patience?: Patience | undefined },
  ): Promise<void> {
    const { loader } = this.#options;
    const led = missing.filter(({ flight }) => flight !== undefined);
    const leases = await this.#acquire(led, { leaseMs, patience });
    const taken = led.filter((_, at) => leases[at]?.kind === 'taken');
    const waiting = this.#wait(taken, leaseMs);
    try {
      // Its last owner may have stored it between our look and our lock.
      const mine = missing.filter((want) => !taken.includes(want));
      const looked = mine.filter((want) => want.flight !== undefined && !want.knowsL2);
      await this.#look(looked, patience);
      await loader.load(mine.filter(isOpen), load);
    } finally {
      void this.#release(leases);
    }
    await waiting;
    await loader.load(taken.filter(isOpen), load);
  }

  /** None where it takes longer than the request waits for Redis. */
  async #acquire(
    led: readonly Want[],
    { leaseMs, patience }: { leaseMs: Millis; patience: Patience | undefined },
  ): Promise<readonly Lease[]> {
    const acquiring = this.#options.lock.acquire(led.map(({ key }) => key), leaseMs);
    const leases = await (patience?.wait(() => acquiring) ?? acquiring);
    if (leases !== undefined) return leases;
    void acquiring.then((late) => this.#release(late));
    return [];
  }

  /** Looks until it is there, nobody loads it any more, or the lease is over. Never rejects. */
  async #wait(taken: readonly Want[], leaseMs: Millis): Promise<void> {
    const { lock, clock, random, stats } = this.#options;
    stats.lockWaits += taken.length;
    for (const want of taken) if (want.knowsL2) this.#serveEarly(want);
    const endAt = clock.now() + leaseMs;
    let open = taken.filter(isOpen);
    while (open.length > 0 && clock.now() < endAt) {
      const lookMs = LOOK_MS_MIN + random() * (LOOK_MS_MAX - LOOK_MS_MIN);
      await pause(clock, Math.min(lookMs, endAt - clock.now()));
      // Asked before the look: who has released it since has stored it before.
      const held = await lock.held(open.map(({ key }) => key));
      await this.#look(open);
      open = open.filter((want, at) => isOpen(want) && held[at] === true);
    }
    stats.lockHits += taken.filter((want) => !isOpen(want)).length;
  }

  /** Of what is current still it is enough that somebody loads it. */
  #serveEarly(want: Want): void {
    const entry = this.#options.tiers.peek(want.key);
    if (entry === undefined) return;
    want.outcome = { value: entry.value, how: 'l1', entry, stored: true };
    want.flight?.land({ kind: 'elsewhere' });
  }

  async #look(wants: readonly Want[], patience?: Patience): Promise<void> {
    const { tiers } = this.#options;
    if (wants.length === 0) return;
    const found = await tiers.get(wants.map(({ key }) => key), { patience });
    for (const [at, want] of wants.entries()) {
      const hit = found[at];
      if (hit === undefined) continue;
      const { entry, tier } = hit;
      want.outcome = { value: entry.value, how: tier, entry, stored: true };
      want.flight?.land({ kind: 'shared', entry, stored: true });
    }
  }

  /** Who waits on other nodes finds what was stored: it is released when Redis has that. */
  async #release(leases: readonly Lease[]): Promise<void> {
    await this.#options.tiers.settled();
    for (const lease of leases) if (lease.kind === 'held') lease.release();
  }
}
