/** A process that is nothing but an auditor, for tests that kill it: its configuration as JSON. */
import { resolveConfig, type FreshetOptions } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { createAudit } from '../../../src/ops/audit/audit.ts';

const config = resolveConfig({
  supergraph: 'unused', ...JSON.parse(process.argv[2] ?? '{}') as FreshetOptions,
});
const audit = createAudit(config, {
  log: undefined, clock: systemClock, random: systemRandom,
  warn: (text) => void process.stderr.write(`${text}\n`),
  note: () => undefined,
});
audit.start();
process.stdout.write('started\n');
setInterval(() => undefined, 1_000);
