/** A share as a figure and a bar. */
import { shareText } from '../format.ts';

export interface ShareProps {
  /** From 0 to 1. */
  readonly share: number | undefined;
  readonly tone?: 'accent' | 'soft' | 'plain';
}

export function Share({ share, tone = 'accent' }: ShareProps) {
  const width = `${Math.min(1, Math.max(0, share ?? 0)) * 100}%`;
  return (
    <span class="share">
      <span class="bar" aria-hidden="true"><span class={tone} style={{ width }} /></span>
      <span class="value">{shareText(share)}</span>
    </span>
  );
}
