/** What tells one value from all others, for the entity tags of what is sent as it was stored. */
import { hash } from 'node:crypto';

/** 160 bits are enough that no two values have the same by chance. */
const LENGTH = 27;
const DIGEST = new RegExp(`^[\\w-]{${LENGTH}}$`);

/** SHA-256 (FIPS 180-4) in base64url (RFC 4648), cut. It costs 6 us for 2 kB, 3 ms for 1 MB. */
export function digestOf(value: Buffer): string {
  return hash('sha256', value, 'base64url').slice(0, LENGTH);
}

/** Whether it is in the form of a digest: it is sent in a header. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}
