import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../../', import.meta.url).pathname;

interface Collector {
  readonly receivers: { readonly otlp: { readonly protocols: { http: { endpoint: string } } } };
  readonly processors: object;
  readonly exporters: { readonly otlp: { readonly endpoint: string } };
  readonly service: { readonly pipelines: { readonly traces: Record<string, readonly string[]> } };
}

interface Service {
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Record<string, string>;
}

interface Compose {
  readonly services: Record<string, Service>;
}

function read(file: string): unknown {
  return parse(readFileSync(`${ROOT}${file}`, 'utf8'), { merge: true });
}

const collector = read('deploy/otel-collector.yaml') as Collector;
const { services } = read('docker-compose.yml') as Compose;

it('the pipeline of the collector is made of parts that it has', () => {
  const { traces } = collector.service.pipelines;
  for (const kind of ['receivers', 'processors', 'exporters'] as const) {
    expect(Object.keys(collector[kind])).toEqual(traces[kind]);
  }
  expect(collector.receivers.otlp.protocols.http.endpoint).toMatch(/:4318$/);
});

it('containers have a collector by choice, with its configuration and somebody behind it', () => {
  const { 'otel-collector': service, 'gateway-1': gateway } = services;
  expect(service?.profiles).toEqual(['observability']);
  const [file = ''] = service?.volumes?.[0]?.split(':') ?? [];
  expect(existsSync(`${ROOT}${file}`)).toBe(true);
  const [behind = ''] = collector.exporters.otlp.endpoint.split(':');
  expect(services[behind]?.profiles).toEqual(['observability']);
  expect(gateway?.environment).toHaveProperty('OTEL_EXPORTER_OTLP_ENDPOINT');
});
