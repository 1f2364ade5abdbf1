/** Which views there are, how the node stands, and how the page looks. */
import { snapshots } from './live.ts';
import { linkTo, VIEWS, type View } from './address.ts';
import { route } from './route.ts';
import { lack, logOut, token } from './session.ts';
import { theme, THEMES, type Theme } from './theme.ts';

const NAMES: Readonly<Record<View, string>> = {
  overview: 'Overview', tags: 'Tags', explain: 'Explain', nodes: 'Nodes', audit: 'Audit',
  operations: 'Operations',
};

export function Header() {
  const { view } = route.value;
  return (
    <header>
      <div class="brand">
        <img src={ICON} alt="" width="20" height="20" />
        Freshet
      </div>
      <nav aria-label="Views">
        <ul>
          {VIEWS.map((one) => (
            <li key={one}>
              <a href={linkTo(one)} aria-current={one === view ? 'page' : undefined}>
                {NAMES[one]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <NodeState />
      <div class="switches">
        <label>
          <span class="unseen">Theme</span>
          <select
            value={theme.value}
            onChange={({ currentTarget }) => {
              theme.value = currentTarget.value as Theme;
            }}
          >
            {THEMES.map((one) => <option key={one} value={one}>{THEME_NAMES[one]}</option>)}
          </select>
        </label>
        {token.value !== undefined && lack.value === undefined &&
          <button type="button" onClick={logOut}>Forget token</button>}
      </div>
    </header>
  );
}

const ICON = new URL('icon.svg', import.meta.url).href;

const THEME_NAMES: Readonly<Record<Theme, string>> = {
  system: 'System theme', light: 'Light', dark: 'Dark',
};

/** Empty until the node has told. */
function NodeState() {
  const latest = snapshots.value.at(-1);
  if (latest === undefined) return <p class="state" />;
  const { host, version, caching, log } = latest;
  const isOff = caching.state === 'off';
  return (
    <p class="state">
      <span title={`Freshet ${version}`}>{host}</span>
      <span class={isOff ? 'mark bad' : 'mark good'}>caching {caching.state}</span>
      <span class={log.hears ? 'mark good' : 'mark bad'}>
        {log.hears ? 'log heard' : 'log not heard'}
      </span>
    </p>
  );
}
