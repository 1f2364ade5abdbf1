/** With tokens reduced to the claims that matter: who shares, for how long, and until when. */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { as, forgetAll, startServices, type Services } from './callers.ts';
import { startPair, type Pair } from './pair.ts';

const SECRET = 'a secret of at least thirty-two characters';
const QUERY = '{ me { n: name e: email } }';
const revoked = new Set<string>();
let services: Services;
let pair: Pair;

beforeAll(async () => {
  services = await startServices((authorization) => {
    const payload = authorization?.split('.')[1];
    if (payload === undefined) return 'nobody';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    if (revoked.has(claims.sid ?? '')) throw new Error('the session was revoked');
    return claims.sub;
  });
  pair = await startPair({
    subgraphs: services.subgraphs,
    jwt: { secret: SECRET, sessionClaim: 'sid' },
  });
});

afterAll(async () => {
  await pair.stop();
  await services.stop();
});

beforeEach(async () => {
  revoked.clear();
  await forgetAll(pair);
});

interface Claims {
  readonly sub: string;
  readonly sid?: string;
  readonly jti?: string;
}

interface Signing {
  readonly secret?: string;
  /** Seconds since 1970. */
  readonly expiresAt?: number;
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

function signed(
  claims: Claims,
  { secret = SECRET, expiresAt = inSeconds(600) }: Signing = {},
): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt()
    .setExpirationTime(expiresAt).sign(new TextEncoder().encode(secret));
}

test('two tokens with the same claims share what is theirs, other claims do not', async () => {
  const first = await signed({ sub: 'alice', sid: 's1', jti: '1' });
  const renewed = await signed(
    { sub: 'alice', sid: 's1', jti: '2' },
    { expiresAt: inSeconds(900) },
  );
  expect(renewed).not.toBe(first);
  const filled = await pair.nodes[0].ask(QUERY, as(first));
  for (const node of pair.nodes) {
    expect(await node.ask(QUERY, as(renewed))).toMatchObject({ text: filled.text, cache: 'hit' });
  }
  const other = await pair.nodes[0].ask(QUERY, as(await signed({ sub: 'bob', sid: 's1' })));
  expect(other).toMatchObject({ data: { me: { n: 'bob' } }, cache: 'miss' });
  expect((await pair.nodes[0].ask(QUERY)).text).toContain('nobody');
});

const revoke = (id: string): Promise<void> => {
  revoked.add(id);
  return pair.publish({
    entity_type: { Custom: 'session' }, entity_id: id, action: 'Delete',
  });
};

test.each([QUERY, '{ me { tariff } }', '{ user(id: "1") { balance } }'])(
  'a revoked session gets nothing that was cached for it by %s, others keep theirs',
  async (query) => {
    const alice = as(await signed({ sub: 'alice', sid: 's1' }));
    const bob = as(await signed({ sub: 'bob', sid: 's2' }));
    for (const node of pair.nodes) {
      for (const caller of [alice, bob]) {
        await node.ask(query, caller);
        expect((await node.ask(query, caller)).cache).toBe('hit');
      }
    }
    await revoke('s1');
    for (const node of pair.nodes) {
      const refused = await node.ask(query, alice);
      expect(refused.errors).toHaveLength(1);
      expect(refused.text).not.toContain('alice');
      expect((await node.ask(query, bob)).cache).toBe('hit');
    }
  },
);

test('a revoked session gets nothing that another session of the same user caches', async () => {
  const phone = as(await signed({ sub: 'alice', sid: 'phone' }));
  const laptop = as(await signed({ sub: 'alice', sid: 'laptop' }));
  for (const caller of [phone, laptop]) await pair.nodes[0].ask(QUERY, caller);
  await revoke('phone');
  await pair.nodes[0].ask(QUERY, laptop);
  for (const node of pair.nodes) {
    expect((await node.ask(QUERY, laptop)).cache).toBe('hit');
    const refused = await node.ask(QUERY, phone);
    expect(refused.errors).toHaveLength(1);
    expect(refused.text).not.toContain('alice');
  }
});

test('no entry is promised for longer than its token is valid', async () => {
  const earlier = await pair.redis.keys('response:*');
  if (earlier.length > 0) await pair.redis.unlink(...earlier);
  const token = await signed({ sub: 'alice', sid: 's1' }, { expiresAt: inSeconds(20) });
  const filled = await pair.nodes[0].ask(QUERY, as(token));
  const ttl = Number(/ttl=(\d+)/.exec(filled.headers.get('cache-status') ?? '')?.[1]);
  expect(ttl).toBeGreaterThan(0);
  expect(ttl).toBeLessThanOrEqual(20);
  const homes = await until(
    async () => {
      const keys = await pair.redis.keys('response:*');
      return keys.length > 0 && keys;
    },
    { what: 'the entries are in Redis' },
  );
  for (const home of homes) {
    const left = await pair.redis.pttl(home);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(20_000);
  }
});

test('when its token has expired, an entry is not served to a renewed one either', async () => {
  const expiresAt = inSeconds(2);
  const claims = { sub: 'alice', sid: 's1' };
  const token = await signed(claims, { expiresAt });
  expect((await pair.nodes[0].ask(QUERY, as(token))).cache).toBe('miss');
  const renewed = await signed(claims);
  await until(() => Date.now() > expiresAt * 1_000, { what: 'the token has expired' });
  for (const node of pair.nodes) {
    const stale = await node.ask(QUERY, as(token));
    expect(stale.cache).not.toBe('hit');
  }
  expect((await pair.nodes[1].ask(QUERY, as(renewed))).cache).toBe('miss');
});

test.each([
  ['signed by another', () => signed({ sub: 'alice', sid: 's1' }, { secret: 'x'.repeat(40) })],
  ['expired', () => signed({ sub: 'alice', sid: 's1' }, { expiresAt: inSeconds(-5) })],
  ['unsigned', async () => {
    const claims = Buffer.from(JSON.stringify({ sub: 'alice', sid: 's1' })).toString('base64url');
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
  }],
])('a token that is %s finds nothing and leaves nothing', async (_, forge) => {
  const good = as(await signed({ sub: 'alice', sid: 's1' }));
  for (const node of pair.nodes) await node.ask(QUERY, good);
  const forged = as(await forge());
  for (const node of [...pair.nodes, ...pair.nodes]) {
    services.accounts.forget();
    const answer = await node.ask(QUERY, forged);
    expect(answer.cache).not.toBe('hit');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(services.accounts.calls).toHaveLength(1);
  }
  expect((await pair.nodes[0].ask(QUERY, good)).cache).toBe('hit');
});
