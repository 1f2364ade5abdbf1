/** What depends on a tag, what last purged it, and the way to purge it. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import type { TagDependants } from '../../admin/dashboard-answers.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { TagLink } from '../parts/tag-link.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { told } from '../live.ts';
import { linkTo } from '../address.ts';
import { goTo } from '../route.ts';
import { Dependants } from './dependants.tsx';
import { PurgeForm } from './purge-form.tsx';

export function TagsView({ parameters }: ViewProps) {
  const { tag = '' } = parameters;
  return (
    <>
      <SearchForm tag={tag} />
      {tag === '' ? <Recent /> : <Found key={tag} tag={tag} />}
    </>
  );
}

function SearchForm({ tag }: { tag: string }) {
  const [text, setText] = useState(tag);
  useEffect(() => setText(tag), [tag]);
  const submit = (event: Event): void => {
    event.preventDefault();
    goTo('tags', { tag: text.trim() });
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <label>
        Tag
        <input
          type="search"
          value={text}
          placeholder="user:123, user:123:posts, post"
          spellcheck={false}
          autocapitalize="off"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">Look</button>
    </form>
  );
}

/** So that there is something to begin with. */
function Recent() {
  const events = told.value.flatMap(({ event }) => ('missed' in event ? [] : [event]));
  const tags = [...new Set(events.flatMap(({ keys }) => keys))].slice(0, 10);
  return (
    <Notice title="Which answers depend on a user, a post, a list?">
      <p>
        A tag names an entity (<code>user:123</code>), a part of one (<code>user:123:posts</code>),
        or all lists of a type (<code>post</code>). Which tags an answer has tells{' '}
        <a href={linkTo('explain')}>Explain</a>.
      </p>
      {tags.length > 0 && (
        <p>
          Purged of late: {tags.map((tag) => <span key={tag}><TagLink tag={tag} /> </span>)}
        </p>
      )}
    </Notice>
  );
}

const AGAIN_MS = 5_000;

function Found({ tag }: { tag: string }) {
  // A purge changes what there is to see, so it is looked at once more then.
  const [purges, setPurges] = useState(0);
  const { answer, refusal, isLoading } = useAnswer<TagDependants>(
    `admin/tags/${encodeURIComponent(tag)}`,
    { everyMs: AGAIN_MS, turn: purges },
  );
  if (answer === undefined) {
    if (refusal !== undefined) return <RefusalNotice refusal={refusal} />;
    return isLoading ? <Loading what="what depends on it" /> : null;
  }
  return (
    <>
      {refusal !== undefined && <RefusalNotice refusal={refusal} />}
      <Dependants found={answer} />
      <PurgeForm tag={answer.key} onPurged={() => setPurges((count) => count + 1)} />
    </>
  );
}
