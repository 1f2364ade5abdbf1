/** A purge: tried first, then confirmed, and only by whose role allows it. */
import { useState } from 'preact/hooks';
import { may, useIdentity } from '../identity.ts';
import { Panel } from '../parts/panel.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { DryRunText } from './dry-run.tsx';
import type { Kind, Wanted } from './order.ts';
import { PurgeDialog } from './purge-dialog.tsx';
import { usePurge, type Purging } from './use-purge.ts';

export interface PurgeFormProps {
  readonly tag: string;
  readonly onPurged: () => void;
}

export function PurgeForm({ tag, onPurged }: PurgeFormProps) {
  const [wanted, setWanted] = useState<Wanted>({ kind: 'key', what: tag, reason: '' });
  const purging = usePurge(wanted, onPurged);
  const identity = useIdentity();
  const isAllowed = identity === undefined || may(identity, 'purge');
  return (
    <Panel title="Purge">
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          purging.tryOut(true);
        }}
      >
        <Fields
          wanted={wanted}
          onChange={(part) => {
            setWanted({ ...wanted, ...part });
            purging.reset();
          }}
        />
        <div class="buttons">
          <button
            type="button"
            disabled={wanted.what === ''}
            onClick={() => purging.tryOut(false)}
          >
            Dry run
          </button>
          <button type="submit" class="primary" disabled={!isAllowed}>Purge...</button>
        </div>
      </form>
      {!isAllowed && (
        <p class="quiet">
          The role of this token is {identity?.role}: it may try out a purge, not make one. That
          takes the role purge, and admin to purge everything.
        </p>
      )}
      <Outcome wanted={wanted} purging={purging} />
    </Panel>
  );
}

function Outcome({ wanted, purging }: { wanted: Wanted; purging: Purging }) {
  const { trial, isAsked = false, isBusy = false, done, refusal, purge, reset } = purging;
  return (
    <>
      <div role="status">
        {done !== undefined && <p class="notice done">{done}</p>}
        {trial !== undefined && !isAsked && <DryRunText trial={trial} />}
      </div>
      {refusal !== undefined && <RefusalNotice refusal={refusal} />}
      {trial !== undefined && isAsked && (
        <PurgeDialog
          wanted={wanted}
          trial={trial}
          isBusy={isBusy}
          onConfirm={purge}
          onCancel={reset}
        />
      )}
    </>
  );
}

const KINDS: readonly (readonly [kind: Kind, name: string])[] = [
  ['key', 'A key, with all that depends on it'],
  ['pattern', 'All that a pattern matches'],
  ['type', 'A whole type, with all lists of it'],
];

interface FieldsProps {
  readonly wanted: Wanted;
  readonly onChange: (part: Partial<Wanted>) => void;
}

function Fields({ wanted: { kind, what, reason }, onChange }: FieldsProps) {
  return (
    <>
      <label>
        What
        <select
          value={kind}
          onChange={({ currentTarget }) => onChange({ kind: currentTarget.value as Kind })}
        >
          {KINDS.map(([one, name]) => <option key={one} value={one}>{name}</option>)}
        </select>
      </label>
      <label>
        Which
        <input
          type="text"
          class="code"
          value={what}
          required
          spellcheck={false}
          onInput={({ currentTarget }) => onChange({ what: currentTarget.value })}
        />
      </label>
      <label>
        Reason, for the log and the audit
        <input
          type="text"
          value={reason}
          maxLength={500}
          onInput={({ currentTarget }) => onChange({ reason: currentTarget.value })}
        />
      </label>
    </>
  );
}
