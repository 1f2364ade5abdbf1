/** Records of the audit, one a row. */
import type { AuditPage } from '../../audit/audit-search.ts';
import { browserClock } from '../browser-clock.ts';
import { countText, NOTHING, timeText } from '../format.ts';
import { Scroll } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { TagList } from '../parts/tag-link.tsx';
import { marksOf, whoText } from '../purge-words.ts';

type Log = AuditPage['logs'][number];

export function AuditTable({ logs }: { logs: readonly Log[] }) {
  return (
    <Scroll label="Table of records">
      <Table columns={['Time', 'What', 'Who', 'Why', 'Source', { number: 'Latency' }, 'Request']}>
        {logs.map((log) => <Row key={log.position} log={log} />)}
      </Table>
    </Scroll>
  );
}

function Row({ log }: { log: Log }) {
  return (
    <tr>
      <td class="time" title={log.position}>{timeText(log.logged_at, browserClock.wall())}</td>
      <td>
        <TagList tags={subjectsOf(log)} />
        {(log.cascade ?? []).length > 0 && <> with <TagList tags={log.cascade ?? []} /></>}
        {marksOf(log).map((mark) => <span key={mark} class="mark">{mark}</span>)}
      </td>
      <td>{whoText(log, log.source_service)}</td>
      <td>{log.reason}</td>
      <td>{log.source_service}</td>
      <td class="number">
        {log.latency_ms === null ? NOTHING : `${countText(log.latency_ms)} ms`}
      </td>
      <td class="quiet">{log.request_id}</td>
    </tr>
  );
}

function subjectsOf({ pattern, keys, entity_type: type, entity_id: id }: Log): readonly string[] {
  if (pattern !== null) return [pattern];
  return keys ?? [id === null ? type : `${type.toLowerCase()}:${id}`];
}
