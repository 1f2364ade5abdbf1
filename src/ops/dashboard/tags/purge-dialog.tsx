/** The last question before a purge. */
import { useEffect, useRef } from 'preact/hooks';
import { DryRunText, type DryRun } from './dry-run.tsx';
import type { Wanted } from './order.ts';

export interface PurgeDialogProps {
  readonly wanted: Wanted;
  readonly trial: DryRun;
  readonly isBusy: boolean;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

export function PurgeDialog({ wanted, trial, isBusy, onConfirm, onCancel }: PurgeDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="purge-question" onCancel={onCancel}>
      <h2 id="purge-question">Purge {wanted.kind} <code>{wanted.what}</code>?</h2>
      <DryRunText trial={trial} />
      <p>
        It goes into the log{wanted.reason === '' ? ' without a reason' : ''} and cannot be taken
        back: what it ends is loaded anew when it is next asked for.
      </p>
      <div class="buttons">
        <button type="button" autofocus onClick={onCancel}>Cancel</button>
        <button type="button" class="primary" disabled={isBusy} onClick={onConfirm}>Purge</button>
      </div>
    </dialog>
  );
}
