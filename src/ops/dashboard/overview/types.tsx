/** How well each type of entity is served from the cache. */
import { countText, rateText } from '../format.ts';
import { snapshots } from '../live.ts';
import { Panel } from '../parts/panel.tsx';
import { Share } from '../parts/share.tsx';
import { Table } from '../parts/table.tsx';
import { TypeLink } from '../parts/tag-link.tsx';
import { spanOf, typeRows } from '../rates.ts';

const SHOWN_MAX = 20;

export function Types() {
  const { value } = snapshots;
  const latest = value.at(-1);
  if (latest === undefined) return null;
  const rows = typeRows(latest, spanOf(value, 60_000));
  return (
    <Panel title="Hit rate by type">
      {rows.length === 0 ? <p class="quiet">No answer has held an entity yet.</p> : (
        <Table
          columns={[
            'Type', { number: 'A second' }, { number: 'Hits, last minute' }, { number: 'Misses' },
          ]}
        >
          {rows.slice(0, SHOWN_MAX).map(({ type, share, perSecond, misses }) => (
            <tr key={type}>
              <th scope="row"><TypeLink type={type} /></th>
              <td class="number">{rateText(perSecond)}</td>
              <td class="number"><Share share={share} /></td>
              <td class="number">{countText(misses)}</td>
            </tr>
          ))}
        </Table>
      )}
      {rows.length > SHOWN_MAX && <p class="quiet">and {rows.length - SHOWN_MAX} more types</p>}
    </Panel>
  );
}
