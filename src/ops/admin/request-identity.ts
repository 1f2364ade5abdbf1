/** What the log knows a request by, so that whoever is asked the same again appends nothing. */
import { digestOf } from '../../invalidation/digest.ts';

export interface NamedRequest {
  readonly requestId: string;
  /** Of the order: see `fingerprintOf`. */
  readonly fingerprint: string;
}

export function identityOf({ requestId, fingerprint }: NamedRequest): string {
  return digestOf(JSON.stringify(['request', requestId, fingerprint]));
}
