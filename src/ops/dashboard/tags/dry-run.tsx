/** What a purge would end, as far as this node can tell. */
import { plural } from '../format.ts';
import { TagList } from '../parts/tag-link.tsx';

export interface DryRun {
  readonly purges: readonly string[];
  readonly matched_keys: readonly string[];
  readonly matched_count: number;
  /** In memory of this node. */
  readonly entries: number;
  readonly complete: boolean;
}

export function DryRunText({ trial }: { trial: DryRun }) {
  const { purges, matched_keys: keys, matched_count: count, entries, complete } = trial;
  return (
    <div class="notice">
      <p>
        It would purge <TagList tags={purges} shownMax={5} />, and end{' '}
        <strong>{plural(entries, 'entry', 'entries')}</strong> in memory of this node
        {complete ? '' : ', or more: not all were looked at'}. Other nodes purge the same.
      </p>
      {keys.length > 0 &&
        <p>Tags that it touches here: <TagList tags={keys} count={count} shownMax={10} /></p>}
    </div>
  );
}
