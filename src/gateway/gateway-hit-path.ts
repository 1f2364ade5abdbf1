/** Puts the hit path together: what the configuration says of it, and whom it asks. */
import type { Auditor } from './caching/auditor.ts';
import { HitPath } from './caching/hit-path.ts';
import type { FreshetConfig } from './config/config.ts';
import type { Core } from './core.ts';
import { answerHeaderOptions } from './gateway-yoga.ts';
import { memoryShares } from './memory-shares.ts';
import { PositionCookie } from './http/position-cookie.ts';

export interface GatewayHitPathParts {
  readonly core: Core;
  readonly auditor: Auditor;
  /** Of the schema that a request which begins now is answered by. */
  readonly schemaHash: () => string;
}

export function createHitPath(config: FreshetConfig, parts: GatewayHitPathParts): HitPath {
  const { core, auditor, schemaHash } = parts;
  const { cache, headers } = config;
  const { tiers, readPath, l1, node, clock, caching } = core;
  const { positionCookie: name, maxStalenessMs } = cache;
  const { requests: bytesMax, answers: answerBytesMax } = memoryShares(cache.l1.bytesMax);
  return new HitPath({
    tiers,
    readPath,
    l1,
    node,
    clock,
    schemaHash,
    enabled: () => cache.enabled && cache.responses && caching.isOn,
    audits: (hit) => auditor.picks(hit),
    headerNames: headers.propagate,
    answerHeaders: answerHeaderOptions(config),
    positionCookie: name === undefined ? undefined : new PositionCookie({ name, maxStalenessMs }),
    compression: cache.compression,
    bytesMax,
    answerBytesMax,
  });
}
