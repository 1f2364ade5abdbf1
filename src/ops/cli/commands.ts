/** The commands, in the order of the help. */
import type { Command } from './command.ts';
import { compose } from './compose.ts';
import { conformance } from './conformance.ts';
import { demo } from './demo.ts';
import { start } from './start.ts';

export const COMMANDS: readonly Command[] = [start, demo, compose, conformance];
