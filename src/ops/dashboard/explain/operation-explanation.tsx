/** What would become of a request: the verdict first, then what it rests on. */
import type { OperationAnswer } from '../../admin/explain-answers.ts';
import { plural } from '../format.ts';
import { bypassText, scopeText, stateText, tierText, ttlText } from '../parts/entry-words.ts';
import { Facts, type Fact } from '../parts/facts.tsx';
import { Panel, Scroll } from '../parts/panel.tsx';
import { RecordText } from '../parts/records.tsx';
import { Table } from '../parts/table.tsx';
import { TagLink } from '../parts/tag-link.tsx';
import { EntryFacts } from './entry-facts.tsx';
import { NodeWarnings } from './node-warnings.tsx';

type Part = OperationAnswer['parts'][number];

export function OperationExplanation({ answer }: { answer: OperationAnswer }) {
  const { would, entry, rules, parts, authenticated, operation_name: name } = answer;
  const strategies = Object.entries(rules.strategy);
  return (
    <>
      <section class={`verdict ${would}`} aria-labelledby="verdict" role="status">
        <h2 id="verdict">{VERDICTS[would]}</h2>
        <p>{sentenceOf(answer)}</p>
        {entry?.ending?.record != null && <p><RecordText record={entry.ending.record} /></p>}
        <p class="quiet">
          {name === null ? 'For' : `${name}, for`} a caller{' '}
          {authenticated ? 'with' : 'without'} credentials.
        </p>
      </section>
      <NodeWarnings answer={answer} />
      <div class="columns">
        <Panel title="Rules">
          <Facts
            facts={[
              ['TTL', ttlText(rules)],
              ['Scope', scopeText(rules)],
              ...strategies.map(([key, value]): Fact => [key.replaceAll('_', ' '), `${value}`]),
            ]}
          />
        </Panel>
        <Panel title="Entry">
          {entry === null ? <p class="quiet">It has none.</p> : <EntryFacts entry={entry} />}
        </Panel>
      </div>
      {parts.length > 0 && <Parts answer={answer} />}
    </>
  );
}

const VERDICTS: Readonly<Record<OperationAnswer['would'], string>> = {
  hit: 'Hit', stale: 'Stale', miss: 'Miss', bypass: 'Bypass',
};

function sentenceOf({ would, why, rules, entry }: OperationAnswer): string {
  switch (would) {
    case 'hit':
      return `It would be answered from ${tierText(entry?.tier ?? 'l1')}.`;
    case 'stale':
      return `It would be answered from ${tierText(entry?.tier ?? 'l1')}, and then loaded anew.`;
    case 'miss':
      return `It would be loaded. ${entry === null ? '' : `Entry: ${stateText(entry)}.`}`;
    case 'bypass':
      return `Never from the cache: ${bypassText({ why, rules })}.`;
    default:
      return would satisfies never;
  }
}

function Parts({ answer }: { answer: OperationAnswer }) {
  const { parts, parts_count: count, parts_complete: isComplete } = answer;
  return (
    <Panel title={`Made of ${plural(count, 'part')}`}>
      <Scroll label="Table of parts">
        <Table columns={['Subgraph', 'Part', 'State', 'TTL']}>
          {parts.map((part, index) => <PartRow key={index} part={part} />)}
        </Table>
      </Scroll>
      {count > parts.length && <p class="quiet">and {count - parts.length} more</p>}
      {!isComplete && <p class="quiet">What hangs on a part that is not here is not known.</p>}
    </Panel>
  );
}

function PartRow({ part }: { part: Part }) {
  const { kind, subgraph, name, why, rules, entry } = part;
  const record = entry?.ending?.record;
  return (
    <tr>
      <td>{subgraph}</td>
      <td>{kind === 'entity' ? <TagLink tag={name} /> : <code>{name}</code>}</td>
      <td>
        {entry === null
          ? `not kept: ${bypassText({ why, rules })}`
          : `${stateText(entry)}${entry.tier === null ? '' : `, in ${tierText(entry.tier)}`}`}
        {record != null && <div class="quiet"><RecordText record={record} /></div>}
      </td>
      <td>{ttlText(rules)}</td>
    </tr>
  );
}
