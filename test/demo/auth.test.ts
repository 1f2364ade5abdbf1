import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { codeOf, World, type Json } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  world.published();
});
afterAll(async () => {
  await world.close();
});

const LOGIN = `mutation ($login: String!, $password: String!) {
  login(login: $login, password: $password) { token session { id user { id } expiresAt } }
}`;
const REVOKE = 'mutation ($id: ID!) { revokeSession(id: $id) }';
const OWN = '{ me { id } session { id user { id } createdAt expiresAt } }';

function login(name: string, password = 'freshet') {
  return world.ask('auth', LOGIN, { variables: { login: name, password } });
}

async function introspect(token: string): Promise<unknown> {
  const { origin } = new URL(world.services.jwksUrl);
  const body = new URLSearchParams({ token });
  return (await fetch(`${origin}/introspect`, { method: 'POST', body })).json();
}

test('a token is signed by the published key, and says who and how long', async () => {
  const { data } = await login('ada.diallo');
  const { token, session } = data.login;
  const jwks = createRemoteJWKSet(new URL(world.services.jwksUrl));
  const { payload, protectedHeader } = await jwtVerify(token, jwks, { algorithms: ['ES256'] });
  expect(protectedHeader.kid).toBeTypeOf('string');
  expect(payload).toMatchObject({ sub: '1', sid: session.id, roles: ['user', 'admin'] });
  expect(payload.exp).toBe(Math.floor(Date.parse(session.expiresAt) / 1_000));
  const keys: Json = await (await fetch(world.services.jwksUrl)).json();
  expect(Object.keys(keys.keys[0])).not.toContain('d');
});

test('a login is a handle or an e-mail address, in any case', async () => {
  for (const name of ['amir.horvat', ' Amir.Horvat ', 'amir.horvat@EXAMPLE.org']) {
    const { data } = await login(name);
    expect(data.login.session.user.id, name).toBe('2');
  }
  expect(world.published()).toEqual([]);
});

test('a wrong password and an unknown login are told alike', async () => {
  const wrong = await login('ada.diallo', 'Freshet');
  const unknown = await login('nobody.at.all');
  expect(codeOf(wrong)).toBe('UNAUTHENTICATED');
  expect(unknown.errors?.[0]?.message).toBe(wrong.errors?.[0]?.message);
  expect(codeOf(await login('x'.repeat(255)))).toBe('BAD_USER_INPUT');
  expect(codeOf(await login('ada.diallo', 'x'.repeat(129)))).toBe('BAD_USER_INPUT');
  expect(codeOf(await login('a\0da'))).toBe('BAD_USER_INPUT');
});

test('a caller sees their own session, and nobody else sees any', async () => {
  const { token, sessionId } = await world.login('anouk.lind');
  const { data } = await world.ask('auth', OWN, { token });
  expect(data.me.id).toBe('3');
  expect(data.session).toMatchObject({ id: sessionId, user: { id: '3' } });
  const parts = token.split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${parts[1]}.`;
  for (const other of [undefined, 'nonsense', `${token}x`, unsigned]) {
    const answer = await world.ask('auth', OWN, other === undefined ? {} : { token: other });
    expect(answer.data).toEqual({ me: null, session: null });
  }
  const query = `query ($representations: [_Any!]!) {
    _entities(representations: $representations) { ... on Session { id } }
  }`;
  const variables = { representations: [{ __typename: 'Session', id: sessionId }] };
  expect((await world.ask('auth', query, { variables })).data._entities).toEqual([null]);
  const own = await world.ask('auth', query, { variables, token });
  expect(own.data._entities).toEqual([{ id: sessionId }]);
});

test('a revoked session ends at once, and is published', async () => {
  const { token, sessionId } = await world.login('ada.diallo');
  expect(await introspect(token)).toMatchObject({ active: true, sub: '1', sid: sessionId });
  const variables = { id: sessionId };
  const { data } = await world.ask('auth', REVOKE, { variables });
  expect(data.revokeSession).toBe(sessionId);
  expect(world.published()).toEqual([{ from: 'auth-service', Delete: `session ${sessionId}` }]);
  expect(await introspect(token)).toEqual({ active: false });
  expect((await world.ask('auth', OWN, { token })).data).toEqual({ me: null, session: null });
  expect(codeOf(await world.ask('auth', REVOKE, { variables }))).toBe('NOT_FOUND');
  expect(codeOf(await world.ask('auth', REVOKE, { variables: { id: '\0' } }))).toBe('NOT_FOUND');
  expect(world.published()).toEqual([]);
});

test('a user keeps so many sessions and no more; the oldest end and are published', async () => {
  const { data } = await world.ask('users', '{ user(id: "5") { handle } }');
  const { token: oldest, sessionId } = await world.login(data.user.handle);
  for (let count = 1; count < 10; count += 1) await world.login(data.user.handle);
  expect(world.published()).toEqual([]);
  await world.login(data.user.handle);
  expect(world.published()).toEqual([{ from: 'auth-service', Delete: `session ${sessionId}` }]);
  expect(await introspect(oldest)).toEqual({ active: false });
});

test('the sessions of a deleted user end, and no new one begins', async () => {
  const { data } = await world.ask('users', '{ user(id: "9") { handle } }');
  const { token, sessionId } = await world.login(data.user.handle);
  world.published();
  await world.ask('users', 'mutation { deleteUser(id: "9") }');
  await until(
    () => world.published().some(({ Delete }) => Delete === `session ${sessionId}`),
    { what: 'auth has ended the session' },
  );
  expect(await introspect(token)).toEqual({ active: false });
  expect(codeOf(await login(data.user.handle))).toBe('UNAUTHENTICATED');
});
