/** What stands in a view's place while there is nothing to show in it. */
import type { ComponentChildren } from 'preact';

export interface NoticeProps {
  readonly title: string;
  readonly kind?: 'empty' | 'error';
  readonly children?: ComponentChildren;
}

export function Notice({ title, kind = 'empty', children }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === 'error' ? 'alert' : undefined}>
      <p><strong>{title}</strong></p>
      {children}
    </div>
  );
}

/** Shown only after a moment, so that what comes at once does not flicker. */
export function Loading({ what }: { what: string }) {
  return <p class="loading" role="status">Loading {what}</p>;
}
