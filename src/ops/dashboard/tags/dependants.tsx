/** How much carries a tag, which answers these are, and what last purged it. */
import type { TagDependants } from '../../admin/dashboard-answers.ts';
import { bytesText, countText, durationText, NOTHING, plural } from '../format.ts';
import { stateText, tierText } from '../parts/entry-words.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel, Scroll } from '../parts/panel.tsx';
import { Records } from '../parts/records.tsx';
import { Table } from '../parts/table.tsx';
import { linkTo } from '../address.ts';

type Entry = TagDependants['entries'][number];

export function Dependants({ found }: { found: TagDependants }) {
  const { key: tag, tags, l1, l2, below, complete, entries, last_purges: purges, log } = found;
  return (
    <>
      <dl class="headline">
        <div>
          <dt>In memory</dt>
          <dd class="figure">{countText(l1)}</dd>
          <dd class="note">{complete ? 'entries carry it' : 'or more: not all was looked at'}</dd>
        </div>
        <div>
          <dt>In Redis</dt>
          <dd class="figure">{l2 === null ? NOTHING : countText(l2)}</dd>
          <dd class="note">{l2 === null ? 'not known of this tag' : 'ways of asking for it'}</dd>
        </div>
        <div>
          <dt>Below it</dt>
          <dd class="figure">{countText(below)}</dd>
          <dd class="note">entries, by <code>{tags[0] ?? tag}:...</code></dd>
        </div>
      </dl>
      <Panel title={`What depends on ${tag}`}>
        {entries.length === 0 ? (
          <Notice title="Nothing that this process holds carries this tag.">
            <p>Nobody has asked for it of late, or it was purged and not asked for since.</p>
          </Notice>
        ) : <Entries entries={entries} count={l1} />}
      </Panel>
      <Panel title="Last purges">
        {purges.length === 0
          ? <p class="quiet">None that the log tells{log.complete ? '' : ', read only in part'}.</p>
          : <Scroll label="Table of the last purges"><Records records={purges} /></Scroll>}
      </Panel>
    </>
  );
}

function Entries({ entries, count }: { entries: readonly Entry[]; count: number }) {
  return (
    <Scroll label="Table of entries">
      <Table
        columns={[
          'Entry', 'Held in', 'State', { number: 'Age' }, { number: 'TTL left' },
          { number: 'Bytes' }, { number: 'Tags' },
        ]}
      >
        {entries.map((entry) => <Row key={`${entry.key} ${entry.field ?? ''}`} entry={entry} />)}
      </Table>
      {count > entries.length &&
        <p class="quiet">and {plural(count - entries.length, 'more entry', 'more entries')}</p>}
    </Scroll>
  );
}

function Row({ entry }: { entry: Entry }) {
  const { key, field, operation, tier, bytes, tags, tags_count: tagsCount } = entry;
  return (
    <tr>
      <td>
        <a class="code" href={linkTo('explain', { key })}>{key}</a>
        {field !== null && <div class="quiet">asked for as {field}</div>}
        {operation !== null && (
          <div class="quiet">answers {operation.name ?? operation.id}</div>
        )}
      </td>
      <td>{tierText(tier)}</td>
      <td>{stateText(entry)}</td>
      <td class="number">{durationText(entry.age_ms)}</td>
      <td class="number">{durationText(entry.ttl_left_ms)}</td>
      <td class="number">{bytesText(bytes)}</td>
      <td class="number" title={tags.slice(0, 20).join(' ')}>{countText(tagsCount)}</td>
    </tr>
  );
}
