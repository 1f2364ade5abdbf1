/** Which view is open: in the hash of the URL, so that each can be linked and gone back to. */
import { signal } from '@preact/signals';
import { linkTo, parseRoute, type Parameters, type Route, type View } from './address.ts';

export const route = signal<Route>(parseRoute(location.hash));

/** Opens it as a link would. */
export function goTo(view: View, parameters?: Parameters): void {
  location.hash = linkTo(view, parameters);
}

/** To be called once. */
export function followHash(stop: AbortSignal): void {
  window.addEventListener('hashchange', () => {
    route.value = parseRoute(location.hash);
  }, { signal: stop });
}
