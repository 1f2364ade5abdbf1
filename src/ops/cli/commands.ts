/** The commands, in the order of the help. */
import { audit } from './audit.ts';
import type { Command } from './command.ts';
import { completionOf } from './completion.ts';
import { compose } from './compose.ts';
import { conformance } from './conformance.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { purge } from './purge.ts';
import { sourceSql } from './source-sql.ts';
import { start } from './start.ts';
import { stats } from './stats.ts';
import { watch } from './watch.ts';

export const COMMANDS: readonly Command[] = [
  start, demo, compose, doctor, purge, watch, audit, explain, stats, sourceSql,
  conformance, completionOf(() => COMMANDS),
];
