/**
 * A lock in Redis belongs to one: from when it was given out until its lease is over or its owner
 * has released it, nobody else is given it, unless Redis has lost it.
 */
import type { Millis } from '../../../src/invalidation/clock.ts';
import type { Checker, CheckerContext } from './checker.ts';

export function oneLock({ now, report }: CheckerContext): Checker {
  const owners = new Map<string, { readonly token: string; readonly until: Millis }>();
  return {
    lock(event) {
      if (event.kind === 'lost') {
        owners.clear();
        return;
      }
      const { name, token } = event;
      const owner = owners.get(name);
      if (event.kind === 'release') {
        if (owner?.token === token) owners.delete(name);
        return;
      }
      if (owner !== undefined && now() < owner.until) {
        report(`${name} was given to ${token}, and belonged to ${owner.token}`);
      }
      owners.set(name, { token, until: now() + event.ms });
    },
  };
}
