/** Every node of the fleet, and how far each has read the log. */
import type { Nodes } from '../../admin/dashboard-answers.ts';
import { countText, durationText, latencyText, plural } from '../format.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Panel, Scroll } from '../parts/panel.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { Table } from '../parts/table.tsx';
import { useAnswer } from '../parts/use-answer.ts';

const AGAIN_MS = 2_000;

export function NodesView() {
  const { answer, refusal } = useAnswer<Nodes>('admin/nodes', { everyMs: AGAIN_MS });
  if (answer === undefined) {
    return refusal === undefined ? <Loading what="nodes" /> : <RefusalNotice refusal={refusal} />;
  }
  const { nodes, complete } = answer;
  return (
    <>
      {refusal !== undefined && <RefusalNotice refusal={refusal} />}
      {!complete && (
        <Notice kind="error" title="Redis was not reached: only this node is known.">
          <p>Nodes tell of themselves there; nothing else rests on it.</p>
        </Notice>
      )}
      <Panel title={plural(nodes.length, 'node')}>
        <Scroll label="Table of nodes">
          <Table
            columns={[
              'Host', 'Log', 'Position', { number: 'Behind the first' }, { number: 'Lag' },
              'Caching', { number: 'Workers' }, { number: 'Up' }, 'Version',
              { number: 'Heard of' },
            ]}
          >
            {nodes.map((node) => <Row key={node.id} node={node} />)}
          </Table>
        </Scroll>
        <p class="quiet">
          Lag is how long ago a node last proved that it had missed nothing. A node that does not
          hear the log serves nothing that it read longer ago than maxStalenessMs.
        </p>
      </Panel>
    </>
  );
}

function Row({ node }: { node: Nodes['nodes'][number] }) {
  return (
    <tr>
      <th scope="row">
        {node.host}{node.is_self && <span class="mark">this one</span>}
        <div class="quiet">{node.id}</div>
      </th>
      <td>
        <span class={node.hears ? 'mark good' : 'mark bad'}>
          {node.hears ? 'heard' : 'not heard'}
        </span>
      </td>
      <td><code>{node.position}</code></td>
      <td class="number">{lagText(node.behind_seconds)}</td>
      <td class="number">{lagText(node.lag_seconds)}</td>
      <td><span class={node.caching === 'on' ? '' : 'mark bad'}>{node.caching}</span></td>
      <td class="number">{countText(node.workers)}</td>
      <td class="number">{secondsText(node.uptime_seconds)}</td>
      <td>{node.version}</td>
      <td class="number">{secondsText(node.seen_seconds_ago)} ago</td>
    </tr>
  );
}

function lagText(seconds: number | null): string {
  return latencyText(seconds === null ? null : seconds * 1_000);
}

function secondsText(seconds: number | null): string {
  return durationText(seconds === null ? null : seconds * 1_000);
}
