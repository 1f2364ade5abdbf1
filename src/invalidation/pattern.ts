/** Tests tags against a text that an operator or a service wrote; linear in the tag's length. */
import type { Tag } from './tag.ts';

export interface Pattern {
  /** As it was written. */
  readonly text: string;
  matches(tag: Tag): boolean;
}
