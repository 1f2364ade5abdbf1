/** How requests were answered: from which tier, or why not from the cache. */
import { countText, rateText } from '../format.ts';
import { snapshots } from '../live.ts';
import { Panel } from '../parts/panel.tsx';
import { Share } from '../parts/share.tsx';
import { Table } from '../parts/table.tsx';
import { HITS, outcomeRows, spanOf, type Outcome } from '../rates.ts';

const NAMES: Readonly<Record<Outcome, readonly [name: string, meaning: string]>> = {
  hit_l1: ['Hit in memory', 'answered from this process'],
  hit_l2: ['Hit in Redis', 'answered from what all nodes share'],
  stale: ['Stale', 'answered at once, and loaded anew behind it'],
  coalesced: ['Coalesced', 'waited for the load of another'],
  partial: ['Partial', 'parts from the cache, the rest loaded'],
  miss: ['Miss', 'loaded from the services'],
  bypass: ['Bypass', 'mutations, and what is never kept'],
  error: ['Error', 'answered with errors'],
  refused: ['Refused', 'not executed: not valid, or over a limit'],
};

export function Outcomes() {
  const { value } = snapshots;
  const latest = value.at(-1);
  if (latest === undefined) return null;
  const rows = new Map(outcomeRows(latest, spanOf(value, 60_000)).map((row) => [row.outcome, row]));
  return (
    <Panel title="Answers by tier">
      <Table
        columns={[
          'Answer', { number: 'A second' }, { number: 'Share, last minute' }, { number: 'All' },
        ]}
      >
        {ORDER.map((outcome) => {
          const row = rows.get(outcome);
          const [name, meaning] = NAMES[outcome];
          return (
            <tr key={outcome} class={row?.total === 0 ? 'quiet' : ''}>
              <th scope="row" title={meaning}>{name}</th>
              <td class="number">{rateText(row?.perSecond)}</td>
              <td class="number"><Share share={row?.share} tone={toneOf(outcome)} /></td>
              <td class="number">{countText(row?.total)}</td>
            </tr>
          );
        })}
      </Table>
    </Panel>
  );
}

const ORDER = Object.keys(NAMES) as Outcome[];

function toneOf(outcome: Outcome): 'accent' | 'soft' | 'plain' {
  if (outcome === 'hit_l1') return 'accent';
  return HITS.includes(outcome) ? 'soft' : 'plain';
}
