/** Who invalidated what, when, and why: a search in the audit. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import type { AuditPage } from '../../audit/audit-search.ts';
import { browserClock } from '../browser-clock.ts';
import { countText, plural, timeText } from '../format.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { linkTo, type Parameters } from '../address.ts';
import { goTo } from '../route.ts';
import { AuditTable } from './audit-table.tsx';

const LIMIT = 50;

export function AuditView({ parameters }: ViewProps) {
  return (
    <>
      <SearchForm parameters={parameters} />
      <Found parameters={parameters} />
    </>
  );
}

const FIELDS = [
  { name: 'pattern', label: 'Key or pattern', type: 'search', hint: 'user:123, feed:*' },
  { name: 'triggered_by', label: 'On whose behalf', type: 'search', hint: 'deploy 7' },
  { name: 'since', label: 'Since', type: 'datetime-local', hint: '' },
  { name: 'until', label: 'Until', type: 'datetime-local', hint: '' },
] as const;

function SearchForm({ parameters }: { parameters: Parameters }) {
  const [values, setValues] = useState<Parameters>(parameters);
  const given = JSON.stringify(parameters);
  useEffect(() => setValues(parameters), [given]);
  const submit = (event: Event): void => {
    event.preventDefault();
    goTo('audit', { ...values, offset: '' });
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      {FIELDS.map(({ name, label, type, hint }) => (
        <label key={name}>
          {label}
          <input
            type={type as 'search'}
            value={values[name] ?? ''}
            placeholder={hint}
            onInput={({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })}
          />
        </label>
      ))}
      <button type="submit" class="primary">Search</button>
    </form>
  );
}

function Found({ parameters }: { parameters: Parameters }) {
  const { pattern, triggered_by: triggeredBy, since, until, offset } = parameters;
  const { answer, refusal, isLoading } = useAnswer<AuditPage>('audit/logs', {
    query: {
      pattern, offset,
      triggered_by: triggeredBy,
      since: instantOf(since),
      until: instantOf(until),
      limit: String(LIMIT),
    },
  });
  if (refusal !== undefined) return <RefusalNotice refusal={refusal} />;
  if (answer === undefined) return isLoading ? <Loading what="the audit" /> : null;
  const { logs, total_count: total, has_more: hasMore, gaps } = answer;
  const from = Number(offset ?? 0);
  const [before, after] = [Math.max(0, from - LIMIT), from + LIMIT];
  return (
    <>
      {gaps.length > 0 && <Gaps gaps={gaps} />}
      <Panel title={`${plural(total, 'record')}${total === 0 ? '' : ', the newest first'}`}>
        {logs.length === 0 ? (
          <Notice title="Nothing was found.">
            <p>A pattern is a key or a pattern that was invalidated; * stands for any text.</p>
          </Notice>
        ) : <AuditTable logs={logs} />}
        <nav class="pages" aria-label="Pages of the audit">
          {from > 0 &&
            <a href={linkTo('audit', { ...parameters, offset: before === 0 ? '' : `${before}` })}>
              Newer
            </a>}
          {logs.length > 0 &&
            <span>{`${countText(from + 1)} to ${countText(from + logs.length)}`}</span>}
          {hasMore && <a href={linkTo('audit', { ...parameters, offset: `${after}` })}>Older</a>}
        </nav>
      </Panel>
    </>
  );
}

function Gaps({ gaps }: { gaps: AuditPage['gaps'] }) {
  const last = gaps.at(-1);
  return (
    <Notice kind="error" title={`Records may be missing: ${plural(gaps.length, 'gap')}.`}>
      <p>
        The log did not reach back to where the audit was; noticed last at{' '}
        {timeText(last?.recorded_at, browserClock.wall())}. All that the log still held is here.
      </p>
    </Notice>
  );
}

/** A time of the form is of the reader's own place. */
function instantOf(text: string | undefined): string | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
