/**
 * Executing an operation again when no request waits for it: to load anew what is about to be
 * stale, to compare what was served with what the origin says now. It needs a context of its own,
 * since what hangs on the first one may remember what it read then, as DataLoaders do.
 *
 * It promises that the load is for the caller that it is declared to be for, that the client which
 * caused it may leave meanwhile, and that its result goes nowhere but to who loads.
 */
import type { Plugin } from 'graphql-yoga';
import { Attachments } from '../attachments.ts';
import type { CachedContext, Exchange } from './exchange.ts';
import type { Audience } from './scope.ts';

/** Makes a context in which `exchange` is gathered. It may be called long after the first one. */
export type Renew = (exchange: Exchange) => Promise<CachedContext>;

export interface Renewal {
  /**
   * For executing again what `context` is of; undefined where it is not certain that a context
   * which is made anew speaks for the same caller.
   */
  renewerOf(context: object, audience: Audience): Renew | undefined;
}

/** For a schema stitched from subgraphs: who asks is in the exchange, and nothing else matters. */
export const exchangeRenewal: Renewal = {
  renewerOf: () => (exchange) => Promise.resolve({ exchange }),
};

type ContextFactory = () => unknown;
type Envelop = (initial: object) => { readonly contextFactory: ContextFactory };

/**
 * For a server with a schema of its own: all that builds a context builds another one. It sees the
 * same request, and yet what a plugin remembers of it elsewhere may not be found again; so this is
 * done only for what is the same for everybody.
 */
export class ContextRenewal implements Renewal {
  readonly #initial = new Attachments<object, object>('initial context');
  #envelop: Envelop | undefined;

  /** Goes before the plugin of the response cache. */
  readonly plugin: Plugin = {
    onYogaInit: ({ yoga }) => {
      this.#envelop = yoga.getEnveloped as unknown as Envelop;
    },
    onParams: ({ context }) => {
      // Before anything is added to it for this one execution.
      this.#initial.set(context, copyOf(context));
    },
  };

  renewerOf(context: object, audience: Audience): Renew | undefined {
    const initial = this.#initial.get(context);
    const envelop = this.#envelop;
    if (!audience.shared || initial === undefined || envelop === undefined) return undefined;
    const { request, params } = context as { request?: unknown; params?: unknown };
    return async (exchange) => {
      // The plugin of the cache finds an exchange there, and opens no other.
      const begun = Object.assign(copyOf(initial), { request, params, exchange });
      return (await envelop(begun).contextFactory()) as CachedContext;
    };
  }
}

/** With its prototype: in a batch, what the operations share is there. */
function copyOf(context: object): object {
  const members = Object.getOwnPropertyDescriptors(context);
  return Object.create(Object.getPrototypeOf(context) as object | null, members) as object;
}
