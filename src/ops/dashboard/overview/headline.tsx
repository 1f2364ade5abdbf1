/** The few figures that tell whether all is well. */
import type { ComponentChildren } from 'preact';
import type { Figures } from '../../admin/dashboard-answers.ts';
import { countText, latencyText, plural, rateText, shareText } from '../format.ts';
import { snapshots } from '../live.ts';
import { hitShare, perSecond, spanOf } from '../rates.ts';

export function Headline() {
  const { value } = snapshots;
  const latest = value.at(-1);
  if (latest === undefined) return null;
  const [now, minute] = [spanOf(value, 5_000), spanOf(value, 60_000)];
  const purges = perSecond(minute, (figures) => figures.purges);
  const { latency, log } = latest;
  return (
    <dl class="headline">
      <Figure name="Requests a second" note="last 5 s">
        {rateText(perSecond(now, ({ requests }) => requests.total))}
      </Figure>
      <Figure name="Hit rate" note="last minute">{shareText(hitShare(minute))}</Figure>
      <Figure name="Latency, median" note={`p99 ${latencyText(latency.p99_ms)}`}>
        {latencyText(latency.p50_ms)}
      </Figure>
      <Figure name="Purges a minute" note={`${countText(latest.purges)} since the start`}>
        {rateText(purges === undefined ? undefined : purges * 60)}
      </Figure>
      <Figure name="Log last heard" note={logText(log)}>
        {log.lag_seconds === null ? 'never' : `${latencyText(log.lag_seconds * 1_000)} ago`}
      </Figure>
    </dl>
  );
}

function logText({ hears, lag_records: lag }: Figures['log']): string {
  if (!hears || lag === null) return 'it is not heard';
  return lag === 0 ? 'nothing is missing' : `${plural(lag, 'record')} to apply`;
}

function Figure(
  { name, note, children }: { name: string; note: string; children: ComponentChildren },
) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="figure">{children}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}
