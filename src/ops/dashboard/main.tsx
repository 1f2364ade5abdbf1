/** The dashboard's page: what one node, and through it the fleet, does at this moment. */
import { render } from 'preact';
import { App } from './app.tsx';
import { live } from './live.ts';
import { followHash } from './route.ts';
import { showTheme } from './theme.ts';

const left = new AbortController();
const root = document.querySelector('#app');
if (root !== null) {
  showTheme();
  followHash(left.signal);
  render(<App />, root);
  live(left.signal);
}
