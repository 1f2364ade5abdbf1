import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/ops/config/load.ts';
import { layerOf } from '../../../src/ops/config/layer.ts';
import { readStandardEnvironment, type Environment } from '../../../src/ops/config/environment.ts';

const OTLP = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const COLLECTOR = 'http://collector:4318';

async function endpointOf(
  environment: Environment,
  flags: Parameters<typeof layerOf>[0] = [],
): Promise<string | undefined> {
  const supergraph = { path: ['supergraph'], value: 'a.graphql', source: 'test' };
  const config = await loadConfig({
    directory: '/', environment, file: false, flags: [supergraph, ...flags],
  });
  return config.tracing.endpoint;
}

it('a standard variable holds where nothing of ours says otherwise', async () => {
  expect(await endpointOf({})).toBeUndefined();
  expect(await endpointOf({ [OTLP]: COLLECTOR })).toBe(COLLECTOR);
  const own = { FRESHET_TRACING_ENDPOINT: 'http://own:4318' };
  expect(await endpointOf({ [OTLP]: COLLECTOR, ...own })).toBe('http://own:4318');
});

it('a standard variable that is of no use here is no fault', async () => {
  expect(await endpointOf({ [OTLP]: 'collector:4317' })).toBeUndefined();
  expect(await endpointOf({ [OTLP]: '' })).toBeUndefined();
});

it('no trace is made where OpenTelemetry is switched off', () => {
  const off = { [OTLP]: COLLECTOR, OTEL_SDK_DISABLED: 'true' };
  expect(readStandardEnvironment(off).values).toEqual(layerOf([]).values);
});
