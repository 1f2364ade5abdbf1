/** All checks, in the order in which they run. */
import type { Check } from './check.ts';
import { CALLER_CHECKS } from './checks/callers.ts';
import { CLIENT_CHECKS } from './checks/clients.ts';
import { ENTITY_CHECKS } from './checks/entities.ts';
import { FILL_CHECKS } from './checks/fills.ts';
import { KEY_CHECKS } from './checks/keys.ts';
import { NODE_CHECKS } from './checks/nodes.ts';

export const CHECKS: readonly Check[] = [
  ...ENTITY_CHECKS, ...FILL_CHECKS, ...CLIENT_CHECKS, ...KEY_CHECKS, ...CALLER_CHECKS,
  ...NODE_CHECKS,
];
