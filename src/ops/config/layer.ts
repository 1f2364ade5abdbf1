/**
 * A configuration is laid together from layers, a later one over an earlier one, option by option.
 * Each value keeps the name of the place that it came from, for the message when it is wrong.
 */
import { expandShorthands } from '../../gateway/config/config.ts';
import type { Path, SourceOf } from '../../gateway/config/config-faults.ts';

export interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  /** `freshet.config.yaml`, `environment variable PORT`, `flag --port`. */
  readonly sourceOf: SourceOf;
}

/** One value of a layer that is not written as a tree. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly source: string;
}

export interface Merged {
  readonly values: Record<string, unknown>;
  readonly sourceOf: SourceOf;
}

/** A layer of single values. */
export function layerOf(assignments: readonly Assignment[]): Layer {
  const values = emptyMap();
  const sources = new Map<string, string>();
  for (const { path, value, source } of assignments) {
    assign(values, path, value);
    sources.set(path.join('.'), source);
  }
  return { values, sourceOf: nearest(sources) };
}

/** Maps are merged, anything else is replaced. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const values = emptyMap();
  const sources = new Map<string, string>();
  const merge = (target: Record<string, unknown>, layer: Layer, path: readonly string[]): void => {
    const source = path.reduce<unknown>(childOf, expandShorthands(layer.values));
    for (const [key, value] of Object.entries(source as Record<string, unknown>)) {
      const at = [...path, key];
      const from = layer.sourceOf(at);
      if (from !== undefined) sources.set(at.join('.'), from);
      if (!isMap(value)) {
        target[key] = value;
        continue;
      }
      const known = target[key];
      const child = isMap(known) ? known : emptyMap();
      target[key] = child;
      merge(child, layer, at);
    }
  };
  for (const layer of layers) merge(values, layer, []);
  return { values, sourceOf: nearest(sources) };
}

/** The source of a place, or of what it stands in. */
function nearest(sources: ReadonlyMap<string, string>): SourceOf {
  return (path: Path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const source = sources.get(path.slice(0, length).map(String).join('.'));
      if (source !== undefined) return source;
    }
    return undefined;
  };
}

function assign(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    values[key] = value;
    return;
  }
  const known = values[key];
  const child = isMap(known) ? known : emptyMap();
  values[key] = child;
  assign(child, rest, value);
}

function childOf(value: unknown, key: string): unknown {
  return isMap(value) ? value[key] : undefined;
}

/** Without a prototype: `__proto__` is a key like any other. */
function emptyMap(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
