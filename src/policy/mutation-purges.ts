/**
 * What a mutation makes stale: what its fields declare by `@cachePurge`, else every entity in the
 * answer, the entities that the arguments name, and the collections of what the field returns.
 *
 * It promises that doubt purges more, never less: what cannot be filled in or identified purges
 * all that it could have been. Only of a field without an answer nothing is guessed beyond its
 * arguments: it failed, and who makes mutations fail must not be able to empty the cache.
 */
import { patternText, readPattern } from '../invalidation/pattern.ts';
import type { Purge } from '../invalidation/purge.ts';
import { collectionTag, escapeHead, escapeSegment, tagOf } from '../invalidation/tag.ts';
import { argumentReader, variableDefaults, type ArgumentReader } from './argument.ts';
import type { CollectorPlan, CollectorSource } from './collector-plan.ts';
import { Gathering, type GatheringOptions, type MemberCollector } from './collector.ts';
import { resultAlias } from './completion.ts';
import { namedEntities } from './named-entities.ts';
import type { Variables } from './plan.ts';
import type { SelectedField, Selection } from './selection.ts';
import {
  fillFormat, isExpression, plainPath,
  type Choice, type Placeholder, type SegmentParts, type TagFormat,
} from './tag-format.ts';

type PurgesOf = (value: unknown, gathering: GatheringOptions) => readonly Purge[];

export interface MutationSource extends CollectorSource {
  readonly root: Selection;
  readonly collectors: CollectorPlan;
}

export class MutationPurges {
  readonly #fields: readonly FieldPurges[];

  constructor(source: MutationSource) {
    this.#fields = mutationFields(source.root, [], source);
  }

  of(data: unknown, gathering: GatheringOptions): readonly Purge[] {
    const purges = new Map<string, Purge>();
    for (const { path, purgesOf } of this.#fields) {
      const value = path.reduce<unknown>(memberOf, data) ?? null;
      for (const purge of purgesOf(value, gathering)) purges.set(patternText(purge), purge);
    }
    return [...purges.values()];
  }
}

interface FieldPurges {
  /** Response keys. */
  readonly path: readonly string[];
  readonly purgesOf: PurgesOf;
}

/** A field without a rule whose type's fields have one is a namespace of mutations. */
function mutationFields(
  selection: Selection,
  above: readonly string[],
  source: MutationSource,
): readonly FieldPurges[] {
  const { entities } = source;
  return [...selection.objects.values()].flat().flatMap((field): readonly FieldPurges[] => {
    if (field.name.startsWith('__') || entities.isAdded(field.responseKey)) return [];
    const path = [...above, field.responseKey];
    const { purges } = entities.policy.fieldRule(field.parent.name, field.name);
    if (purges !== undefined) return [{ path, purgesOf: declaredPurges(field, purges, source) }];
    const isNamespace = field.below !== undefined && declaresPurges(field.below, source);
    if (isNamespace) return mutationFields(field.below, path, source);
    return [{ path, purgesOf: defaultPurges(field, source) }];
  });
}

function declaresPurges({ objects }: Selection, { entities }: MutationSource): boolean {
  return [...objects].some(([type, fields]) => !entities.isEntity(type)
    && fields.some(({ name }) => entities.policy.fieldRule(type, name).purges !== undefined));
}

function declaredPurges(
  field: SelectedField,
  formats: readonly TagFormat[],
  source: MutationSource,
): PurgesOf {
  const read = readerOf(field, source);
  const valueOf = ({ source: from, path }: Placeholder, value: unknown, variables: Variables) => {
    if (from === 'args') return read(path, variables);
    const [, ...rest] = path;
    const names = path.length === 0 ? [] : [resultAlias(source.entities, path), ...rest];
    return names.reduce<unknown>(memberOf, value);
  };
  return (value, { variables }) => formats.flatMap((format): readonly Purge[] => {
    if (isExpression(format.text)) return [readPattern(format.text)];
    const namesResult = format.placeholders.some(({ source: from }) => from === 'result');
    if (value === null && namesResult) return [];
    const { choices, unfilled } = fillFormat(format, (one) => valueOf(one, value, variables));
    return [
      ...choices.flatMap((choice) => purgesBy(format, choice)),
      ...(unfilled?.choices.flatMap((choice) => widened(format, choice, unfilled.at)) ?? []),
    ];
  });
}

function purgesBy(format: TagFormat, choice: Choice): readonly Purge[] {
  const { segments } = format;
  const stars = segments.filter((segment) => hasStar(segment)).length;
  if (stars === 0) return [{ kind: 'tag', tag: tagOf(plainPath(format, choice)) }];
  if (stars === 1 && format.text === '*') return [{ kind: 'all' }];
  if (stars === 1 && format.text.endsWith(':*')) {
    return [{ kind: 'below', tag: tagOf(plainPath(format, choice)) }];
  }
  const text = segments.map((segment, index) => patternSegment(segment, choice, index)).join(':');
  try {
    return [readPattern(text)];
  } catch {
    // A value may be longer than a pattern can be.
    return widened(format, choice, segments.length);
  }
}

function patternSegment(segment: SegmentParts, choice: Choice, index: number): string {
  const escape = index === 0 ? escapeHead : escapeSegment;
  return segment
    .map((part) => (typeof part === 'string' ? part : escape(choice.get(part) ?? '')))
    .join('');
}

/** All that the format could have meant: whatever begins with its path up to `end` or a star. */
function widened(format: TagFormat, choice: Choice, end: number): readonly Purge[] {
  const path = plainPath(format, choice, end);
  if (path.length === 0) return [{ kind: 'all' }];
  const tag = tagOf(path);
  return [{ kind: 'tag', tag }, { kind: 'below', tag }];
}

function hasStar(segment: SegmentParts): boolean {
  return segment.some((part) => typeof part === 'string' && part.includes('*'));
}

function defaultPurges(field: SelectedField, source: MutationSource): PurgesOf {
  const { entities, collectors } = source;
  const held = field.below === undefined ? [] : [...entities.heldBy(field.below.type)];
  const collections = entities.collections(held);
  const reader = readerOf(field, source);
  const named = namedEntities({ types: held, field: field.field, reader }, entities.policy);
  const member = collectors.member(field);
  return (value, options) => {
    const gathering = gatherEntities(value, member, options);
    if (gathering.tags.size >= options.tagsMax) return [{ kind: 'all' }];
    const tags = [...collections, ...(named?.(options.variables) ?? []), ...gathering.tags];
    return [
      ...tags.map((tag): Purge => ({ kind: 'tag', tag })),
      ...[...gathering.unidentified].map(collectionTag).flatMap((tag): readonly Purge[] =>
        [{ kind: 'tag', tag }, { kind: 'below', tag }]),
    ];
  };
}

function gatherEntities(
  value: unknown,
  member: MemberCollector | undefined,
  options: GatheringOptions,
): Gathering {
  const gathering = new Gathering({ ...options, entitiesOnly: true });
  if (member !== undefined) gathering.walk(value, member);
  return gathering;
}

function readerOf({ field, nodes }: SelectedField, { operation }: MutationSource): ArgumentReader {
  const [node] = nodes;
  if (node === undefined) return () => undefined;
  return argumentReader(field, node, variableDefaults(operation));
}

/** Of an object, or of each in a list. */
function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((element) => memberOf(element, name));
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Variables)[name] : undefined;
}
