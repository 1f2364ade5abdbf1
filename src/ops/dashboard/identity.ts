/** Who the node takes the operator for: what the token may do decides what the page offers. */
import type { Identity, Role } from '../admin/access.ts';
import { useAnswer } from './parts/use-answer.ts';

const ROLES: readonly Role[] = ['read', 'purge', 'admin'];

/** Undefined until it is known. */
export function useIdentity(): Identity | undefined {
  return useAnswer<Identity>('admin/identity').answer;
}

export function may({ role }: Identity, required: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(required);
}
