/** What is kept, and what it rests on. */
import type { Figures } from '../../admin/dashboard-answers.ts';
import { bytesText, countText, durationText, NOTHING, plural, timeText } from '../format.ts';
import { Facts } from '../parts/facts.tsx';
import { Panel } from '../parts/panel.tsx';

export function Holdings({ figures }: { figures: Figures }) {
  const { tiers, log, l2, caching } = figures;
  return (
    <div class="columns three">
      <Panel title="Kept">
        <Facts
          facts={[
            ['Entries in memory', countText(tiers.l1.entries)],
            ['Bytes in memory', bytesText(tiers.l1.bytes)],
            ['Evicted', countText(figures.evictions)],
            ['Loads', countText(figures.loads)],
            ['Found invalidated', countText(figures.invalidated)],
          ]}
        />
      </Panel>
      <Panel title="Log">
        <Facts
          facts={[
            ['Position', <code key="position">{log.position}</code>],
            ['Its time', timeText(log.position_at)],
            ['Records to apply', log.lag_records === null ? 'unknown' : countText(log.lag_records)],
            ['Floor', <code key="floor">{log.floor}</code>],
            ['Waiting to be logged', countText(log.waiting)],
          ]}
        />
      </Panel>
      <Panel title="Node">
        <Facts
          facts={[
            ['Redis', L2_STATES[l2.state]],
            ['Redis errors, timeouts', `${countText(l2.errors)}, ${countText(l2.timeouts)}`],
            ['Caching', cachingText(caching)],
            ['Up', upText(figures)],
            ['Version', figures.version || NOTHING],
          ]}
        />
      </Panel>
    </div>
  );
}

const L2_STATES: Readonly<Record<Figures['l2']['state'], string>> = {
  none: 'not configured', answering: 'answers', silent: 'SILENT: mostly not asked any more',
};

function upText({ uptime_seconds: seconds, workers }: Figures): string {
  return `${durationText(seconds * 1_000)}, ${plural(workers, 'process', 'processes')}`;
}

function cachingText({ off_on_fleet: fleet, off_on_node: node }: Figures['caching']): string {
  const off = [
    ...(fleet.all ? ['all, on the fleet'] : []),
    ...(node.all ? ['all, on this node'] : []),
    ...fleet.types.map((type) => `${type}, on the fleet`),
    ...node.types.map((type) => `${type}, on this node`),
  ];
  return off.length === 0 ? 'on' : `off for ${off.join('; ')}`;
}
