/** The whole kit: origin, relay and adapter are there while the checks run, and gone afterwards. */
import { systemClock, systemRandom, type Millis } from '../../invalidation/clock.ts';
import { adapterOf, withRelay, type AdapterChoice } from './adapters/choice.ts';
import { CHECKS } from './checks.ts';
import { startOrigin, type Origin } from './origin/origin.ts';
import { startRelay, type RelayOptions } from './relay.ts';
import { reportOf, type Report } from './report.ts';
import { runChecks } from './run.ts';

export interface ConformOptions {
  /** URLs of the nodes of one cache. The last one is the one that is cut off. */
  readonly targets: readonly string[];
  readonly adapter: AdapterChoice;
  readonly originHost: string;
  readonly originPort: number;
  readonly relay?: RelayOptions | undefined;
  /** Which checks run, by name. */
  readonly chosen: (check: string) => boolean;
  /** Two values of the header Authorization. */
  readonly callers: readonly [string, string];
  /** How long a purge may take until every node has applied it. */
  readonly settleMs: Millis;
  readonly checkMs: Millis;
  readonly totalMs: Millis;
  readonly waitMs: Millis;
  /** Called when the origin answers: now the cache may be started. */
  readonly onOrigin?: (origin: Origin) => void;
}

/** Rejects where the checks cannot be run: a port is taken, or a target does not answer. */
export async function conform(options: ConformOptions): Promise<Report> {
  const { targets, relay: relayOptions, originHost: host, originPort: port } = options;
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const relay = relayOptions && await startRelay(relayOptions);
    if (relay !== undefined) closers.push(() => relay.close());
    const run = Math.floor(systemRandom() * 2 ** 40).toString(36);
    const origin = await startOrigin({ host, port, run });
    closers.push(() => origin.close());
    const adapter = withRelay(await adapterOf(options.adapter, systemClock), relay);
    closers.push(() => adapter.close?.());
    options.onOrigin?.(origin);
    const verdicts = await runChecks({
      ...options,
      checks: CHECKS.filter(({ name }) => options.chosen(name)),
      origin,
      adapter,
      clock: systemClock,
      random: systemRandom,
    });
    return reportOf({ targets, adapter: options.adapter.kind, verdicts });
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}
