/**
 * Says what an operation or a key would be answered with, and why: whether it is cached, where,
 * for how long and for whom, and what ended it if it is not served.
 *
 * It promises: nothing is asked of a subgraph, nothing that is kept is changed or counted as used,
 * and of a caller nothing is kept or told but whether they are known.
 */
import {
  execute, getOperationAST, parse, validate, type DocumentNode, type GraphQLSchema,
} from 'graphql';
import type { Holding, Sighting } from '../../cache/inspector.ts';
import { keyOf } from '../../cache/key.ts';
import { mayRevalidate } from '../../cache/windows.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import type { InvalidationMessage } from '../../invalidation/message.ts';
import { fault } from '../../invalidation/errors.ts';
import { latest, parsePosition, type Position } from '../../invalidation/position.ts';
import type { Purge } from '../../invalidation/purge.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { Variables } from '../../policy/plan.ts';
import { reasonsOf, type Reasons } from '../../policy/reasons.ts';
import type { BuiltSchema } from '../built-schema.ts';
import type { Bypass } from '../caching/answer.ts';
import { bypassReason } from '../caching/bypass.ts';
import { Exchange } from '../caching/exchange.ts';
import { keyOfResponse } from '../caching/operation-key.ts';
import { audienceOf } from '../caching/scope.ts';
import type { Core } from '../core.ts';
import type { CallerReader } from '../http/caller-reader.ts';
import type { DocumentLimits } from '../http/document-limits.ts';
import { invalidRequest } from '../http/refusal.ts';
import { withoutFieldAliases } from '../supergraph/field-aliases.ts';
import type { Ending, Endings, Search } from './endings.ts';
import { PartInspection, type ExplainedPart, type Rules } from './part-inspection.ts';

export interface OperationQuestion {
  readonly query: string;
  readonly variables: Variables;
  readonly operationName: string | undefined;
  /** Of the caller's request, as that of a real one. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Explained {
  /** Of those that are not current, by the id of their keys. */
  readonly endings: ReadonlyMap<string, Ending>;
  readonly log: Search;
}

export interface OperationExplanation extends Explained {
  readonly operation: { readonly kind: string; readonly name: string | undefined };
  readonly would: 'hit' | 'stale' | 'miss' | 'bypass';
  /** Of a bypass: why the cache would not be asked. */
  readonly why: Bypass | undefined;
  readonly authenticated: boolean;
  readonly rules: Rules;
  /** Undefined where the whole answer is not looked for. */
  readonly sighting: Sighting | undefined;
  readonly parts: readonly ExplainedPart[];
  /** Whether these are all. */
  readonly partsComplete: boolean;
}

export interface KeyExplanation extends Explained {
  /** What the key is read as; none where it names one entry. */
  readonly tags: readonly Tag[];
  readonly sightings: readonly Sighting[];
  readonly count: number;
  /** The last invalidation that the log tells of. */
  readonly last: LogRecord | undefined;
}

export type Held = Pick<Holding, 'inMemory' | 'below' | 'isComplete'>;

/** What depends on a tag. */
export interface Dependants extends Explained, Holding {
  readonly tags: readonly Tag[];
  /** The latest records that touched it, the newest first. */
  readonly purges: readonly LogRecord[];
}

export interface ExplainerOptions {
  readonly core: Core;
  readonly current: () => Pick<BuiltSchema, 'schema' | 'policy' | 'plans' | 'hash'>;
  readonly callerOf: CallerReader;
  readonly limits: DocumentLimits;
  readonly endings: Endings;
  /** What the configuration says. */
  readonly responses: boolean;
  readonly entities: boolean;
  /** What the key names. Throws MESSAGE_INVALID. */
  readonly messageOf: (key: string) => InvalidationMessage;
}

export class Explainer {
  readonly #options: ExplainerOptions;

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /**
   * @throws REQUEST_INVALID, DOCUMENT_LIMIT_EXCEEDED, ALIAS_RESERVED, POSITION_INVALID,
   * HEADERS_TOO_LARGE
   */
  async operation(question: OperationQuestion): Promise<OperationExplanation> {
    const { core, current, callerOf } = this.#options;
    const { schema, policy, plans, hash } = current();
    const { operationName, variables, headers } = question;
    const document = this.#read(question, schema);
    const node = getOperationAST(document, operationName);
    if (!node) throw invalidRequest('The name of an operation in the query', 'another or none');
    const plan = plans.of({ document, operationName });
    const reasons = reasonsOf({ policy, schema, document, operationName });
    const seen = positionOf(headers);
    const caller = await callerOf(sourceOf(headers));
    const audience = audienceOf(plan.scope, caller);
    const { position } = core.node;
    const behind = seen !== undefined && seen > position;
    const enabled = this.#options.responses && core.caching.isOn;
    const why = bypassReason({ plan, audience, document, enabled, behind });
    const isKept = why === undefined && audience !== undefined;
    const operation = { document, operationName, variables };
    const key = isKept ? keyOfResponse(operation, { audience, hash }) : undefined;
    const [sighting] = key === undefined ? [] : await core.inspector.look([key]);
    const exchange = new Exchange(caller, latest(position, seen ?? position));
    exchange.executedUnder(schema);
    const isRead = plan.operation === 'query' && !plan.introspection;
    const inspection = new PartInspection({
      policy, inspector: core.inspector, enabled: this.#options.entities,
    });
    if (isRead) await inspect({ schema, ...operation, context: { exchange, inspection } });
    const { parts } = inspection;
    const sightings = [sighting, ...parts.map((part) => part.sighting)];
    const { endings, log } = await this.#options.endings
      .of(sightings.filter((one) => one !== undefined));
    return {
      operation: { kind: plan.operation, name: node.name?.value },
      would: sighting === undefined ? 'bypass' : this.#wouldBe(sighting),
      why,
      authenticated: caller.authenticated,
      rules: { ...reasons, strategy: plan.strategy, audience },
      sighting,
      parts,
      partsComplete: isRead && inspection.isComplete,
      endings,
      log,
    };
  }

  /** A tag, as its keys are written, or the name of an answer that is kept: `response:<hash>`. */
  async key(text: string): Promise<KeyExplanation> {
    const { core, endings } = this.#options;
    if (text.startsWith('response:')) {
      const sightings = await core.inspector.look([keyOf(text)]);
      const count = sightings.filter(({ entry }) => entry !== undefined).length;
      return { tags: [], sightings, count, last: undefined, ...await endings.of(sightings) };
    }
    const { purges: [last], ...dependants } = await this.dependants(text, 1);
    return { ...dependants, last };
  }

  /** Of a tag, as its keys are written: what carries it, and the last that purged it. */
  async dependants(text: string, purgesMax: number): Promise<Dependants> {
    const { endings } = this.#options;
    const tags = this.#tagsOf(text);
    const holdings = await this.#holdings(tags);
    const found = holdings.flatMap(({ sightings }) => sightings);
    const sightings = [...new Map(found.map((one) => [one.key.id, one])).values()];
    const { records: purges, log } = await endings.latest(tags, purgesMax);
    const explained = await endings.of(sightings);
    const complete = log.complete && explained.log.complete;
    const records = log.records + explained.log.records;
    const isOfRedis = holdings.every(({ inRedis }) => inRedis !== undefined);
    return {
      tags, sightings, purges,
      ...heldOf(holdings),
      count: sumOf(holdings, ({ count }) => count),
      inRedis: isOfRedis ? sumOf(holdings, ({ inRedis = 0 }) => inRedis) : undefined,
      endings: explained.endings,
      log: { ...explained.log, records, complete },
    };
  }

  /** Of a tag likewise, how many entries in memory carry it, or one below it. */
  async held(text: string): Promise<Held> {
    return heldOf(await this.#holdings(this.#tagsOf(text)));
  }

  /** Which rules decide of the query; undefined where the schema does not know it (any more). */
  rulesOf(query: string, operationName: string | undefined): Reasons | undefined {
    const { schema, policy } = this.#options.current();
    try {
      const document = parse(query);
      if (validate(schema, document).length > 0) return undefined;
      return reasonsOf({ policy, schema, document, operationName });
    } catch {
      return undefined;
    }
  }

  #tagsOf(text: string): readonly Tag[] {
    const { core, messageOf } = this.#options;
    return tagsOf(core.node.purgesOf(messageOf(text)));
  }

  async #holdings(tags: readonly Tag[]): Promise<readonly Holding[]> {
    const holdings: Holding[] = [];
    for (const tag of tags) holdings.push(await this.#options.core.inspector.holding(tag));
    return holdings;
  }

  #read({ query, variables }: OperationQuestion, schema: GraphQLSchema): DocumentNode {
    const { limits } = this.#options;
    limits.checkText(query);
    limits.checkVariables(variables);
    const document = parsed(query);
    const [error] = [...limits.check(schema, document), ...validate(schema, document)];
    if (error !== undefined) throw invalidRequest('A query of the schema', error.message);
    return document;
  }

  #wouldBe({ verdict, entry }: Sighting): 'hit' | 'stale' | 'miss' {
    if (verdict === 'current') return 'hit';
    const now = this.#options.core.clock.now();
    const isStale = verdict === 'expired' && entry !== undefined && mayRevalidate(entry, now);
    return isStale ? 'stale' : 'miss';
  }
}

function parsed(query: string): DocumentNode {
  try {
    return parse(query);
  } catch (error) {
    throw invalidRequest('A query in GraphQL', (error as Error).message);
  }
}

const executeAsStitched = withoutFieldAliases(execute);

/** What comes of it is of no interest: parts that are not there leave errors in it. */
async function inspect({ schema, document, operationName, variables, context }: {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName: string | undefined;
  variables: Variables;
  context: object;
}): Promise<void> {
  try {
    await executeAsStitched({
      schema, document, operationName, variableValues: variables, contextValue: context,
    });
  } catch {
    // What the stitching makes of parts that are missing.
  }
}

function heldOf(holdings: readonly Holding[]): Held {
  return {
    inMemory: sumOf(holdings, ({ inMemory }) => inMemory),
    below: sumOf(holdings, ({ below }) => below),
    isComplete: holdings.every(({ isComplete }) => isComplete),
  };
}

function sumOf(holdings: readonly Holding[], of: (one: Holding) => number): number {
  return holdings.reduce((total, one) => total + of(one), 0);
}

function tagsOf(purges: readonly Purge[]): readonly Tag[] {
  return [...new Set(purges.flatMap((purge) => (purge.kind === 'tag' ? [purge.tag] : [])))];
}

function sourceOf(headers: Readonly<Record<string, string>>) {
  const values = new Map(Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const));
  return { get: (name: string): string | null => values.get(name) ?? null };
}

function positionOf(headers: Readonly<Record<string, string>>): Position | undefined {
  const text = sourceOf(headers).get('freshet-position');
  if (text === null) return undefined;
  const position = parsePosition(text.trim());
  if (position !== undefined) return position;
  throw fault('POSITION_INVALID', { got: 'another text' });
}
