/** What carries a key or a tag, and what last purged it. */
import type { KeyAnswer } from '../../admin/explain-answers.ts';
import { plural } from '../format.ts';
import { Panel } from '../parts/panel.tsx';
import { RecordText } from '../parts/records.tsx';
import { TagList } from '../parts/tag-link.tsx';
import { EntryFacts } from './entry-facts.tsx';
import { NodeWarnings } from './node-warnings.tsx';

export function KeyExplanation({ answer, asked }: { answer: KeyAnswer; asked: string }) {
  const { tags, entries, entries_count: count, last_invalidation: last } = answer;
  const held = `Held by ${plural(count, 'entry', 'entries')}`;
  return (
    <>
      <section class="verdict" aria-labelledby="verdict" role="status">
        <h2 id="verdict">{held}</h2>
        <p>In memory of the process that answered, and in Redis.</p>
        {tags.length > 0 && <p>Read as <TagList tags={tags} shownMax={10} />.</p>}
        {last !== null && <p><RecordText record={last} /></p>}
        {last === null && tags.length > 0 && <p>No purge of it that the log tells.</p>}
      </section>
      <NodeWarnings answer={answer} />
      <div class="columns">
        {entries.map((entry, index) => (
          <Panel key={index} title={entry.field === null ? entry.key : `${entry.key}, one way`}>
            <EntryFacts entry={entry} />
          </Panel>
        ))}
      </div>
      {count > entries.length && <p class="quiet">and {count - entries.length} more</p>}
      {count === 0 && <p class="quiet">Nothing here carries {asked}.</p>}
    </>
  );
}
