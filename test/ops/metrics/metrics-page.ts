/** docs/metrics.md, made from the catalogue. */
import { METRICS } from '../../../src/ops/metrics/catalogue.ts';

export function documentMetrics(): string {
  const rows = METRICS.map(({ name, kind, labels, help, across }) => {
    const by = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${kind} | ${by} | ${across} | ${help} |`;
  });
  return `${INTRODUCTION}${rows.join('\n')}\n${END}`;
}

const INTRODUCTION = `# Metrics

<!-- Made from src/ops/metrics/catalogue.ts by \`npx vitest run test/ops/metrics -u\`. -->

\`GET /metrics\` on the operators' listener, for whoever has the role \`read\`: in the text format
of Prometheus, or in OpenMetrics where the request asks for it. What a counter counts begins when
the node is ready.

With several workers, whichever is asked answers for all that reply to it within a second.
\`across\` says what they make together:

- Gauges are put together as they are told: their sum, the least or the greatest of them.
- Counters and histograms are told of each worker by itself, with the label \`worker\`: 1, 2 and so
  on; who replaces one has its number. A query puts them together, so that none of them seems to
  fall where a worker begins anew: \`sum(rate(...))\`. Where \`across\` is \`max\`, every worker of
  every node counts the same (each applies all that is in the log): ask for \`max\`, not the sum.

No label is a key, a tag or a caller, so the number of series does not grow with what is cached.
\`service\` is the \`source_service\` of a message: the first 50 names that are met, then \`other\`;
of what the node itself publishes it is \`freshet\`, and of what could not be read \`unknown\`.

| metric | kind | labels | across | what it tells |
|---|---|---|---|---|
`;

const END = `
Redis has no entry under \`freshet_entries\`: all nodes share what is there, it expires there, and
no node counts it. Its own figures (\`INFO\`, by redis_exporter: \`redis_memory_used_bytes\`,
\`redis_db_keys\`) tell how much it holds, of everybody who uses it.

Besides these there are those of Node.js (\`nodejs_*\`, \`process_*\`) as prom-client gives them:
event loop, heap, garbage collection, resident memory.

## Outcomes

| \`outcome\` | the answer came |
|---|---|
| \`hit_l1\` | from the memory of the process |
| \`hit_l2\` | from Redis |
| \`partial\` | from origins, where the whole was not there but parts of it were |
| \`miss\` | from origins |
| \`coalesced\` | from what an equal request, a moment earlier, read from origins |
| \`stale\` | from the cache, past its time to live, within a window that allows it |
| \`bypass\` | from origins, the cache not being asked: mutations, what is not to be cached |
| \`error\` | with errors |
| \`refused\` | before anything was executed: not valid, beyond a limit, not allowed |

Each operation of a batch counts. What is no GraphQL request (another path, another method) is not
counted.

## Alerts, and a dashboard

\`deploy/prometheus/rules.yml\` has alerts, each with its section of the [runbook](runbook.md);
all nodes of a fleet, and no others, are to be one job there, since some ask about its worst node;
\`deploy/prometheus/rules.test.yml\` shows when they fire. \`deploy/grafana/freshet.json\` is a
dashboard. The profile \`observability\` of docker-compose.yml starts both: Prometheus on port 9090,
Grafana on port 3000.

Where the operators' listener has tokens, give Prometheus one that may only read:
\`authorization: { credentials_file: /run/secrets/freshet-read }\` in its job.
`;
