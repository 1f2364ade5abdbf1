/** Which adapter, and what it needs; each is loaded only where it is chosen. */
import type { Clock } from '../../../invalidation/clock.ts';
import type { Adapter } from '../adapter.ts';
import type { Relay } from '../relay.ts';
import type { CommandAdapterOptions } from './command-adapter.ts';
import type { FreshetRedisAdapterOptions } from './freshet-redis-adapter.ts';
import type { HttpAdapterOptions } from './http-adapter.ts';

export type AdapterChoice =
  /** Every change goes through the endpoint. */
  | { readonly kind: 'mutation' }
  | { readonly kind: 'freshet-redis' } & Omit<FreshetRedisAdapterOptions, 'clock'>
  | { readonly kind: 'http' } & Omit<HttpAdapterOptions, 'clock'>
  | { readonly kind: 'command' } & CommandAdapterOptions
  /** `file` is relative to `directory`. */
  | { readonly kind: 'module'; readonly file: string; readonly directory: string };

/** Rejects where the adapter cannot be loaded or cannot reach what it needs. */
export async function adapterOf(choice: AdapterChoice, clock: Clock): Promise<Adapter> {
  switch (choice.kind) {
    case 'mutation':
      return {};
    case 'freshet-redis': {
      const { freshetRedisAdapter } = await import('./freshet-redis-adapter.ts');
      return freshetRedisAdapter({ ...choice, clock });
    }
    case 'http': {
      const { httpAdapter } = await import('./http-adapter.ts');
      return httpAdapter({ ...choice, clock });
    }
    case 'command': {
      const { commandAdapter } = await import('./command-adapter.ts');
      return commandAdapter(choice);
    }
    case 'module': {
      const { moduleAdapter } = await import('./module-adapter.ts');
      return moduleAdapter(choice.file, choice.directory);
    }
    default:
      return choice satisfies never;
  }
}

/** The relay cuts, whatever the adapter could: it is how the last node hears of purges. */
export function withRelay(adapter: Adapter, relay: Relay | undefined): Adapter {
  if (relay === undefined) return adapter;
  return { ...adapter, cut: () => relay.cut(), reconnect: () => relay.restore() };
}
