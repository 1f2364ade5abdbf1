/** A short text that stands for a longer content: no two contents have the same by chance. */
import { hash } from 'node:crypto';
import { ownText } from './own-text.ts';

const LENGTH = 32;
const DIGEST = new RegExp(`^[\\w-]{${LENGTH}}$`);

/**
 * 192 bits of the SHA-256 (FIPS 180-4) of a content, in base64url (RFC 4648). It costs some 6 us
 * for 2 kB, and 3 ms for 1 MB.
 */
export function digestOf(content: string | Uint8Array): string {
  return ownText(hash('sha256', content, 'base64url').slice(0, LENGTH));
}

/** Whether `text` has the form of a digest. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}
