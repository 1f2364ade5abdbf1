/**
 * The token that the operator named, for as long as the tab is open: in sessionStorage, which no
 * other tab and no other origin reads. It is sent to the node that the page came from, and nowhere
 * else.
 */
import { signal } from '@preact/signals';

const PLACE = 'freshet-token';

/** Why a token is asked for: there is none, or the node does not know it. */
export type Lack = 'none' | 'another';

export const token = signal<string | undefined>(sessionStorage.getItem(PLACE) ?? undefined);

/** Undefined while the node lets this page in. */
export const lack = signal<Lack | undefined>(undefined);

export function logIn(text: string): void {
  sessionStorage.setItem(PLACE, text);
  token.value = text;
  lack.value = undefined;
}

export function logOut(): void {
  sessionStorage.removeItem(PLACE);
  token.value = undefined;
  lack.value = 'none';
}
