/** A key or a tag, with the way to what depends on it. */
import { linkTo } from '../address.ts';

export function TagLink({ tag }: { tag: string }) {
  // A pattern is no tag.
  if (/[*/]/.test(tag)) return <code>{tag}</code>;
  return <a class="code" href={linkTo('tags', { tag })}>{tag}</a>;
}

/** A type, with the way to what holds lists of it: its collection tag is its name in lower case. */
export function TypeLink({ type }: { type: string }) {
  return <a href={linkTo('tags', { tag: type.toLowerCase() })}>{type}</a>;
}

export interface TagListProps {
  readonly tags: readonly string[];
  /** Where there are more than are given. */
  readonly count?: number;
  readonly shownMax?: number;
}

export function TagList({ tags, count = tags.length, shownMax = 3 }: TagListProps) {
  const shown = tags.slice(0, shownMax);
  const more = count - shown.length;
  return (
    <span class="tags">
      {shown.map((tag) => <TagLink key={tag} tag={tag} />)}
      {more > 0 && <span class="quiet">and {more} more</span>}
    </span>
  );
}
