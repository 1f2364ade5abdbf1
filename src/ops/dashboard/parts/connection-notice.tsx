/** Says that what is shown stands still, and why. */
import { connection, snapshots } from '../live.ts';
import { timeText } from '../format.ts';
import { UNREACHABLE } from '../operators.ts';
import { RefusalNotice } from './refusal-notice.tsx';

export function ConnectionNotice() {
  const { state, refusal } = connection.value;
  if (state !== 'lost' || refusal === undefined) return null;
  const last = snapshots.value.at(-1);
  if (last === undefined || refusal.code !== UNREACHABLE) {
    return <RefusalNotice refusal={refusal} />;
  }
  return (
    <div class="notice error" role="alert">
      <p>
        <strong>The node does not answer.</strong>{' '}
        What is shown is of {timeText(last.at)}; the page tries again by itself.
      </p>
    </div>
  );
}
