/** What the resolvers of one request share. */
import type { Caller, Identity } from './identity.ts';
import { rejection } from './rejection.ts';

/** Methods are own members, since Yoga copies what it is given into a context of its own. */
export interface Context {
  /** Who sent the request; asked for once, and only where something private is wanted. */
  readonly caller: () => Promise<Caller | undefined>;
  /** Counts rows each time that they go into the answer; throws QUERY_TOO_LARGE for too many. */
  readonly count: <Row>(rows: readonly Row[]) => readonly Row[];
}

/** Lists within lists multiply: no answer is made of more rows than this. */
const ROWS_MAX = 10_000;

export function createContext(identity: Identity, authorization: string | null): Context {
  let caller: Promise<Caller | undefined> | undefined;
  let counted = 0;
  return {
    caller: () => caller ??= identity.callerOf(authorization),
    count(rows) {
      counted += rows.length;
      if (counted > ROWS_MAX) {
        throw rejection('QUERY_TOO_LARGE', `At most ${ROWS_MAX} rows were required, got more.`);
      }
      return rows;
    },
  };
}

/** Makes one value for each request, at its first use. */
export function perRequest<Value>(make: (context: Context) => Value): (context: Context) => Value {
  const values = new WeakMap<Context, Value>();
  return (context) => {
    const known = values.get(context);
    if (known !== undefined) return known;
    const value = make(context);
    values.set(context, value);
    return value;
  };
}
