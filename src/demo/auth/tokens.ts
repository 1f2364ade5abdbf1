/** Signs and verifies the tokens: JWT (RFC 7519) with ES256, the key published as a JWK Set. */
import {
  calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT, type CryptoKey,
  type JWK,
} from 'jose';

const ALGORITHM = 'ES256';

export interface Claims {
  /** The user. */
  readonly sub: string;
  /** The session. */
  readonly sid: string;
  readonly roles: readonly string[];
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** Of a new key pair. */
export async function newPrivateJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg: ALGORITHM, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

export class Tokens {
  /** What anybody may know (RFC 7517). */
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #kid: string;

  private constructor(keys: { privateKey: CryptoKey; publicKey: CryptoKey; publicJwk: JWK }) {
    this.#privateKey = keys.privateKey;
    this.#publicKey = keys.publicKey;
    this.#kid = keys.publicJwk.kid ?? '';
    this.jwks = { keys: [keys.publicJwk] };
  }

  static async open(privateJwk: JWK): Promise<Tokens> {
    const { d: _, ...publicJwk } = privateJwk;
    return new Tokens({
      privateKey: await importJWK(privateJwk, ALGORITHM) as CryptoKey,
      publicKey: await importJWK(publicJwk, ALGORITHM) as CryptoKey,
      publicJwk,
    });
  }

  sign({ sub, sid, roles, exp }: Claims): Promise<string> {
    return new SignJWT({ sid, roles: [...roles] })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#kid, typ: 'JWT' })
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime(exp)
      .sign(this.#privateKey);
  }

  /** `undefined` for a token that is not ours, was changed, or has expired. */
  async verify(token: string): Promise<Claims | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: [ALGORITHM],
        requiredClaims: ['sub', 'sid', 'exp'],
      });
      const { sub = '', exp = 0, sid, roles } = payload;
      return { sub, exp, sid: String(sid), roles: Array.isArray(roles) ? roles.map(String) : [] };
    } catch {
      return undefined;
    }
  }
}
