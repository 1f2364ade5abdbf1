/**
 * An adapter in a file of JavaScript (or TypeScript), which exports `purge` and, where it can,
 * `cut` and `reconnect`, and `close`; what they are given is in `adapter.ts`:
 *
 *     export const purge = ({ type, id, action }) => cache.invalidate([{ typename: type, id }]);
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Adapter } from '../adapter.ts';

const FUNCTIONS = ['purge', 'cut', 'reconnect', 'close'] as const;

/** Rejects where it cannot be loaded, or exports something else under one of the names. */
export async function moduleAdapter(file: string, directory: string): Promise<Adapter> {
  const exported = await import(pathToFileURL(resolve(directory, file)).href) as
    Readonly<Record<string, unknown>>;
  for (const name of FUNCTIONS) {
    const value = exported[name];
    if (value !== undefined && typeof value !== 'function') {
      throw new Error(`${file}: a function ${name} was required, got ${typeof value}`);
    }
  }
  const { purge, cut, reconnect, close } = exported as Adapter;
  return { purge, cut, reconnect, close };
}
