/**
 * Passwords, as they are stored: scrypt (RFC 7914) with a salt each, and its parameters beside it.
 * A check costs memory and time on purpose, so that only a few run at once.
 */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { rejection } from '../rejection.ts';

/** N and r of 2^14 and 8 take 16 MiB and some 50 ms. */
const COST = { N: 16_384, r: 8, p: 1 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const CHECKS_MAX = 16;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  const { N, r, p } = COST;
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export class PasswordChecker {
  #running = 0;

  /** `stored`: as `hashPassword` made it. Rejects with UNAVAILABLE where too many wait already. */
  async matches(password: string, stored: string): Promise<boolean> {
    if (this.#running >= CHECKS_MAX) {
      throw rejection('UNAVAILABLE', `At most ${CHECKS_MAX} logins at once: try again.`);
    }
    this.#running += 1;
    try {
      const [, N, r, p, salt = '', key = ''] = stored.split('$');
      const expected = Buffer.from(key, 'base64url');
      const cost = { N: Number(N), r: Number(r), p: Number(p) };
      const derived = await derive(password, Buffer.from(salt, 'base64url'), cost);
      return timingSafeEqual(derived, expected);
    } finally {
      this.#running -= 1;
    }
  }
}

function derive(password: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, cost, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
