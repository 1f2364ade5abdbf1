/** Records of the log: what was purged, by whom, and why. */
import type { RecordAnswer } from '../../admin/explain-answers.ts';
import { browserClock } from '../browser-clock.ts';
import { timeText } from '../format.ts';
import { marksOf, whoText } from '../purge-words.ts';
import { linkTo } from '../address.ts';
import { TagList } from './tag-link.tsx';
import { Table } from './table.tsx';

/** The newest first. */
export function Records({ records }: { records: readonly RecordAnswer[] }) {
  return (
    <Table columns={['Time', 'What', 'Who', 'Why']}>
      {records.map((record) => (
        <tr key={record.position}>
          <td class="time" title={record.position}>
            {timeText(record.logged_at, browserClock.wall())}
          </td>
          <td>
            <TagList tags={record.purges} />
            {marksOf(record).map((mark) => <span key={mark} class="mark">{mark}</span>)}
          </td>
          <td>{whoText(record, record.source_service)}</td>
          <td>{record.reason ?? <span class="quiet">not told</span>}</td>
        </tr>
      ))}
    </Table>
  );
}

/** One of them in a sentence. */
export function RecordText({ record }: { record: RecordAnswer }) {
  const { logged_at: at, purges, reason, soft, request_id: id } = record;
  return (
    <>
      {soft ? 'Soft purge of ' : 'Purge of '}<TagList tags={purges} />{' '}
      at {timeText(at, browserClock.wall())} by {whoText(record, record.source_service)}
      {reason !== null && <>: {reason}</>}
      {id !== null && <span class="quiet"> (request_id {id})</span>}{' '}
      {purges[0] !== undefined &&
        <a href={linkTo('audit', { pattern: purges[0] })}>In the audit</a>}
    </>
  );
}
