/** What could be done for an operation that the cache does little for, in words for people. */
import type { Reasons, Reason } from '../../policy/reasons.ts';
import type { OperationCounts } from './operation-table.ts';

export interface Advice {
  readonly code:
    /** It is kept for each caller apart, or not at all for those who are not known. */
    | 'private' | 'undeclared'
    /** A rule says that it is not to be kept; nothing says how long it may be. */
    | 'ttl_zero' | 'no_ttl'
    /** It is over before the next one asks; a purge ends it. */
    | 'short_ttl' | 'invalidated'
    /** Its answer comes in pieces, or with errors, or holds a part that is not kept. */
    | 'incremental' | 'errors' | 'part' | 'cookie'
    /** This node has not heard what the callers have seen. */
    | 'behind';
  /** The type or the field that decides. */
  readonly coordinate: string | undefined;
  readonly text: string;
}

/** Where the cache serves at least so much, nothing is said. */
const GOOD_HIT_RATIO = 0.8;
/** Of fewer requests nothing can be said. */
const REQUESTS_MIN = 5;
const SHORT_TTL_MS = 30_000;

/** `reasons`: undefined where the schema does not know the operation any more. */
export function adviceFor(
  counts: OperationCounts,
  reasons: Reasons | undefined,
): readonly Advice[] {
  const { kind, hits, misses, bypasses, errors } = counts;
  if (kind !== 'query') return [];
  const all = hits + misses + bypasses + errors;
  if (all === 0 || hits / all >= GOOD_HIT_RATIO) return [];
  const [why] = Object.entries(counts.whys).toSorted(([, one], [, other]) => other - one)[0] ?? [];
  const stated = why === undefined ? undefined : STATED[why];
  const advice: Advice[] = stated === undefined ? [] : [{ ...stated, coordinate: undefined }];
  if (reasons === undefined) return advice;
  if (reasons.ttlMs <= 0) return [...advice, ofNoTtl(reasons.ttl)];
  const isApart = why === 'private' || counts.apart > 0;
  const scope = isApart ? ofScope(reasons, why) : undefined;
  if (scope !== undefined) advice.push(scope);
  const isOften = misses >= REQUESTS_MIN && misses > hits && advice.length === 0;
  if (isOften && reasons.ttlMs < SHORT_TTL_MS) advice.push(ofShortTtl(reasons));
  return advice;
}

/** By what a request says of why it was not answered from the cache, or not kept there. */
const STATED: Readonly<Record<string, Omit<Advice, 'coordinate'>>> = {
  'incremental': {
    code: 'incremental',
    text: 'This query is uncached because it asks for its answer in pieces (@defer, @stream).',
  },
  'behind': {
    code: 'behind',
    text: 'Its callers name a position that this node has not reached in time: see the lag.',
  },
  'error': { code: 'errors', text: 'Its answers hold errors of a subgraph, and are not kept.' },
  'invalidated': {
    code: 'invalidated',
    text: 'It is invalidated while it is loaded: what it depends on changes that often.',
  },
  'cookie': {
    code: 'cookie', text: 'A subgraph sets a cookie with its answer, which is not kept.',
  },
  'part-uncacheable': {
    code: 'part', text: 'A part of its answer is not kept, so the whole is not: see explain.',
  },
  'part-private': {
    code: 'part',
    text: 'A part of its answer is PRIVATE, though the query is not: see explain.',
  },
  'part-unknown': {
    code: 'part', text: 'A part of its answer came without its key, so it cannot be tagged.',
  },
};

function ofNoTtl({ by, coordinate }: Reason): Advice {
  const what = coordinate ?? 'its rules';
  if (by === 'default') {
    return {
      code: 'no_ttl', coordinate,
      text: `This query is uncached because nothing says how long ${what} may be kept: give it a ` +
        'maxAge, or set cache.defaultTtlSeconds.',
    };
  }
  return {
    code: 'ttl_zero', coordinate,
    text: `This query is uncached because ${what} has maxAge 0, by ${PLACES[by]}.`,
  };
}

const PLACES: Readonly<Record<Reason['by'], string>> = {
  directive: 'a directive of the schema',
  configuration: 'cache.rules of the configuration',
  limit: 'cache.maxTtlSeconds of the configuration',
  default: 'cache.defaultTtlSeconds of the configuration',
};

function ofScope({ scope, scopeFrom }: Reasons, why: string | undefined): Advice | undefined {
  const coordinate = scopeFrom?.coordinate;
  const what = coordinate ?? 'a part of it';
  if (scope === 'PRIVATE') {
    return {
      code: 'private', coordinate,
      text: why === 'private'
        ? `This query is uncached because ${what} is PRIVATE, and its callers are not logged in.`
        : `This query is kept for each caller apart because ${what} is PRIVATE.`,
    };
  }
  if (scope !== 'UNDECLARED') return undefined;
  return {
    code: 'undeclared', coordinate,
    text: `This query is kept apart for each caller who is logged in because ${what} is not ` +
      'declared PUBLIC.',
  };
}

function ofShortTtl({ ttlMs, ttl }: Reasons): Advice {
  const by = ttl.coordinate === undefined ? '' : ` of ${ttl.coordinate}`;
  return {
    code: 'short_ttl', coordinate: ttl.coordinate,
    text: `The TTL${by}, ${Math.round(ttlMs / 1_000)} s, is mostly over before it is asked ` +
      'again: purges make a longer one safe.',
  };
}
