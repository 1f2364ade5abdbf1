/** Purges as they happen: what, who, why, and how much it ended here. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { browserClock } from '../browser-clock.ts';
import { countText, timeText } from '../format.ts';
import { connection, purgesConnection, told, type Told } from '../live.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { Table } from '../parts/table.tsx';
import { TagList } from '../parts/tag-link.tsx';
import { announcementOf, marksOf, switchingText, whoText } from '../purge-words.ts';

const SHOWN_MAX = 50;

export function Purges() {
  const held = useSignal<readonly Told[] | undefined>(undefined);
  const rows = (held.value ?? told.value).slice(0, SHOWN_MAX);
  const waiting = held.value === undefined ? 0 : newerThan(held.value[0]?.id).length;
  const hold = (
    <button
      type="button"
      aria-pressed={held.value !== undefined}
      onClick={() => {
        held.value = held.value === undefined ? told.peek() : undefined;
      }}
    >
      {held.value === undefined ? 'Hold' : `Held, ${waiting} newer`}
    </button>
  );
  return (
    <Panel title="Purges" actions={hold}>
      <Announcement />
      <StreamNotice />
      {rows.length === 0 ? (
        <Notice title="None since this page was opened.">
          <p>Each shows up here within a second, by whichever door it came.</p>
        </Notice>
      ) : (
        <div class="scroll-down" role="region" aria-label="Latest purges" tabIndex={0}>
          <Table columns={['Time', 'What and why', 'Who', { number: 'Entries' }]}>
            {rows.map((one) => <Row key={one.id} one={one} />)}
          </Table>
        </div>
      )}
    </Panel>
  );
}

/** Where purges alone do not come: more than that is said above all views. */
function StreamNotice() {
  const { state, refusal } = purgesConnection.value;
  const isAlone = state === 'lost' && connection.value.state === 'live';
  return isAlone && refusal !== undefined ? <RefusalNotice refusal={refusal} /> : null;
}

function Row({ one: { at, event } }: { one: Told }) {
  if ('missed' in event) {
    return (
      <tr>
        <td class="time">{timeText(new Date(at).toISOString())}</td>
        <td colSpan={3} class="quiet">
          {event.missed}
        </td>
      </tr>
    );
  }
  const { keys, keys_count: count, pattern, cascade, reason, source } = event;
  return (
    <tr class="fresh">
      <td class="time" title={event.position}>{timeText(event.logged_at)}</td>
      <td>
        {switchingText(event) ?? (pattern === null
          ? <TagList tags={keys} count={count} />
          : <TagList tags={[pattern]} />)}
        {cascade.length > 0 && <> with <TagList tags={cascade} /></>}
        {marksOf(event).map((mark) => <span key={mark} class="mark">{mark}</span>)}
        {reason !== null && <div class="quiet">{reason}</div>}
      </td>
      <td>
        {whoText(event, source)}
        {event.actor !== null && event.actor !== source && <div class="quiet">{source}</div>}
      </td>
      <td class="number">{countText(event.entries)}</td>
    </tr>
  );
}

/** Told aloud at most so often. */
const ANNOUNCE_MS = 3_000;

/** For whoever is read to: the new ones in a sentence, not each by itself. */
function Announcement() {
  const text = useSignal('');
  const lastId = useRef(told.peek()[0]?.id);
  const cancel = useRef<() => void>(undefined);
  const newest = told.value[0]?.id;
  useEffect(() => {
    if (newest === lastId.current || cancel.current !== undefined) return;
    cancel.current = browserClock.after(ANNOUNCE_MS, () => {
      cancel.current = undefined;
      const events = newerThan(lastId.current).flatMap(({ event }) =>
        ('missed' in event ? [] : [event]));
      lastId.current = told.peek()[0]?.id;
      text.value = announcementOf(events);
    });
  }, [newest]);
  useEffect(() => () => cancel.current?.(), []);
  return <p class="unseen" role="status" aria-live="polite">{text.value}</p>;
}

function newerThan(id = 0): readonly Told[] {
  return told.value.filter((one) => one.id > id);
}
