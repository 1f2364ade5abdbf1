/**
 * Opens, checks and ends sessions. It promises: a token is good for as long as its session is, and
 * no longer; what a caller could see with it is purged when the session ends.
 */
import type { Publisher } from '../../invalidation/publisher.ts';
import { bearerToken, type Identity } from '../identity.ts';
import { readText } from '../input.ts';
import { rejection } from '../rejection.ts';
import { hashPassword, PasswordChecker } from './password.ts';
import type { AuthStorage, SessionRow } from './storage.ts';
import type { Claims, Tokens } from './tokens.ts';

export interface SessionsParts {
  readonly storage: AuthStorage;
  readonly publisher: Publisher;
  readonly tokens: Tokens;
}

export interface Login {
  readonly token: string;
  readonly session: SessionRow;
}

const SESSION_ID_FORM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Sessions implements Identity {
  readonly #storage: AuthStorage;
  readonly #publisher: Publisher;
  readonly #tokens: Tokens;
  readonly #passwords = new PasswordChecker();
  #decoyHash: Promise<string> | undefined;

  constructor({ storage, publisher, tokens }: SessionsParts) {
    this.#storage = storage;
    this.#publisher = publisher;
    this.#tokens = tokens;
  }

  async callerOf(authorization: string | null) {
    const token = bearerToken(authorization);
    const claims = token === undefined ? undefined : await this.check(token);
    return claims && { userId: claims.sub, sessionId: claims.sid };
  }

  /** The claims of a token whose session lives. */
  async check(token: string): Promise<Claims | undefined> {
    const claims = await this.#tokens.verify(token);
    if (claims === undefined) return undefined;
    const session = await this.find(claims.sid);
    return session?.userId === claims.sub ? claims : undefined;
  }

  async find(id: string): Promise<SessionRow | undefined> {
    return SESSION_ID_FORM.test(id) ? this.#storage.session(id) : undefined;
  }

  async open({ login, password }: { login: string; password: string }): Promise<Login> {
    const name = readText('login', login, { lengthMax: 254 });
    readText('password', password, { lengthMax: 128 });
    const account = await this.#storage.account(name);
    // Without an account it takes as long, so that nobody learns by the time which names exist.
    const hash = account?.passwordHash ?? await this.#decoy();
    const matches = await this.#passwords.matches(password, hash);
    if (account === undefined || !matches) {
      throw rejection('UNAUTHENTICATED', 'A login with its password was required, got another.');
    }
    const { opened, dropped } = await this.#storage.openSession(account.userId);
    await this.#publishEnd(dropped);
    const token = await this.#tokens.sign({
      sub: account.userId,
      sid: opened.id,
      roles: account.roles,
      exp: Math.floor(Date.parse(opened.expiresAt) / 1_000),
    });
    return { token, session: opened };
  }

  /** False for an unknown one. */
  async revoke(id: string): Promise<boolean> {
    if (!SESSION_ID_FORM.test(id) || !await this.#storage.revokeSession(id)) return false;
    await this.#publishEnd([id]);
    return true;
  }

  async userDeleted(userKey: number): Promise<void> {
    await this.#publishEnd(await this.#storage.deleteAccount(userKey));
  }

  async #publishEnd(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#publisher.invalidateCustom('session', id);
  }

  #decoy(): Promise<string> {
    this.#decoyHash ??= hashPassword('no account has this password');
    return this.#decoyHash;
  }
}
