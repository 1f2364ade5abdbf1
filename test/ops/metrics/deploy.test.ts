/** What deploy/ gives to Prometheus and Grafana asks for metrics that there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../../src/ops/metrics/catalogue.ts';
import { processMetricNames } from '../../../src/ops/metrics/metrics.ts';
import { promtool } from '../../support/promtool.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');
const RULES = join(DEPLOY, 'prometheus/rules.yml');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] })
  .groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/freshet.json'), 'utf8')) as {
  panels: Panel[]; templating: { list: { query: string }[] };
};

/** As they are named in queries: a histogram by its series. */
const names = new Set([
  ...METRICS.flatMap(({ name, kind }) => (kind === 'histogram'
    ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
  ...processMetricNames(),
  // Prometheus's own: whether it was answered.
  'up',
]);

const METRIC = /\b(?:freshet|cache_invalidation|nodejs|process)_\w+|\bup\b/g;

const unknownIn = (query: string): string[] => {
  const asked = query.replaceAll(/"[^"]*"/g, '').match(METRIC) ?? [];
  expect(asked.length, query).toBeGreaterThan(0);
  return asked.filter((name) => !names.has(name));
};

describe('the rules', () => {
  it('are read by Prometheus, with their configuration', async () => {
    const config = join(DEPLOY, 'prometheus/prometheus.yml');
    expect(await promtool(['check', 'config', config])).toContain(`${rules.length} rules found`);
  });

  it('fire when they should, and are quiet when they should', async () => {
    const tests = join(DEPLOY, 'prometheus/rules.test.yml');
    expect(await promtool(['test', 'rules', tests])).toContain('SUCCESS');
    const text = readFileSync(tests, 'utf8');
    for (const { alert } of rules) {
      expect(text).toContain(`{ eval_time: 100m, alertname: ${alert} }`);
      expect(text, alert).toMatch(new RegExp(`alertname: ${alert}\\n +exp_alerts:\\n +- exp_l`));
    }
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for metrics that there are, and names a section of the runbook', (_, rule) => {
      expect(unknownIn(rule.expr)).toEqual([]);
      const [page = '', anchor] = rule.annotations.runbook.split('#');
      const titles = readFileSync(join(ROOT, page), 'utf8').match(/^#+ .+$/gm) ?? [];
      const anchors = titles.map((title) =>
        title.replace(/^#+ /, '').toLowerCase().replaceAll(' ', '-'));
      expect(anchors).toContain(anchor);
    },
  );
});

describe('the dashboard', () => {
  it.each(dashboard.panels.map((panel) => [panel.title, panel] as const))(
    '%s shows metrics that there are', (_, { targets }) => {
      expect(targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    },
  );

  it('chooses among the jobs that there are', () => {
    expect(dashboard.templating.list.flatMap(({ query }) => unknownIn(query))).toEqual([]);
  });

  it('shows nearly every metric of ours', () => {
    const shown = JSON.stringify(dashboard);
    const hidden = METRICS.map(({ name }) => name).filter((name) => !shown.includes(name));
    expect(hidden).toEqual([
      'freshet_loads_total', 'freshet_auditor_changed_total', 'freshet_auditor_failed_total',
      'freshet_auditor_stale_age_seconds', 'freshet_audit_gaps_total',
    ]);
  });
});
