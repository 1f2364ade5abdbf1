/** Requests and latency over the last minutes. */
import { latencyText, rateText } from '../format.ts';
import { snapshots } from '../live.ts';
import { Chart } from '../parts/chart.tsx';
import { Panel } from '../parts/panel.tsx';
import { hitsOf, rateLine, valueLine } from '../rates.ts';

export function Lines() {
  const { value } = snapshots;
  return (
    <Panel title="Requests and latency">
      <Chart
        title="Requests a second"
        textOf={rateText}
        lines={[
          {
            name: 'all', tone: 'plain', isArea: true,
            points: rateLine(value, ({ requests }) => requests.total),
          },
          { name: 'hits', tone: 'accent', isArea: true, points: rateLine(value, hitsOf) },
        ]}
      />
      <Chart
        title="Latency"
        textOf={latencyText}
        lines={[
          { name: 'p99', tone: 'plain', points: valueLine(value, (one) => one.latency.p99_ms) },
          { name: 'p95', tone: 'soft', points: valueLine(value, (one) => one.latency.p95_ms) },
          { name: 'p50', tone: 'accent', points: valueLine(value, (one) => one.latency.p50_ms) },
        ]}
      />
    </Panel>
  );
}
