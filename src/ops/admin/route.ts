/**
 * One endpoint of the operators' listener, described once: what is asked and answered is checked,
 * served and documented (openapi.ts) from the same schemas.
 *
 * It promises: no handler sees a request that is not as described, and none is dropped of what a
 * caller wrote: a member or a parameter that is not known is refused, since it may be a `dry_run`
 * that was misspelt.
 */
import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import { invalidRequest } from '../../gateway/http/refusal.ts';
import { fault, type FaultCode, type FreshetError } from '../../invalidation/errors.ts';
import {
  requireRate, requireRole, type AdminContext, type Identity, type Role,
} from './access.ts';
import type { RateLimit } from './rate-limit.ts';
import { SIGNATURE_HEADER, verifySignature, type SignatureOptions } from './signature.ts';

export interface Route {
  readonly method: 'get' | 'post' | 'delete';
  /** As Hono writes it: `/admin/cache/invalidate/:key{.+}`. */
  readonly path: string;
  readonly summary: string;
  /** What it takes to have it done; a dry run takes `read`. `signature`: no token, but that. */
  readonly access: Role | 'signature';
  /** In the path, by their names. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** What stands in the query, each once. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** Where `handle` makes a whole Response. Default JSON. */
  readonly mediaType?: 'text/event-stream';
  /**
   * Takes `?dry_run=true`, and then answers with this. Where it is signed, the query is not: there
   * `dry_run` is a member of the body.
   */
  readonly dryRun?: z.ZodType;
  /** How it refuses, besides what every endpoint does. */
  readonly refusals: readonly FaultCode[];
  handle(asked: RouteAsked): Promise<object>;
}

export interface RouteAsked {
  /** As the schema says. */
  readonly body: unknown;
  /** As the schema says. */
  readonly query: unknown;
  /** Of a signed request: what tells it from others. */
  readonly signed: string | undefined;
  /** As the query says; false for a signed request. */
  readonly dryRun: boolean;
  readonly identity: Identity;
  parameter(name: string): string;
}

/** A route with a body, of which the handler knows the type. */
export function routeWith<Body extends z.ZodType>(
  route: Omit<Route, 'body' | 'handle'> & {
    readonly body: Body;
    handle(body: z.output<Body>, asked: RouteAsked): Promise<object>;
  },
): Route {
  return { ...route, handle: (asked) => route.handle(asked.body as z.output<Body>, asked) };
}

/** Whoever signs may have anything done. */
const SIGNER: Identity = { name: 'webhook', role: 'admin' };

export interface MountOptions {
  readonly rate: RateLimit;
  readonly signature: SignatureOptions;
}

export function mount(app: Hono<AdminContext>, route: Route, options: MountOptions): void {
  app.on(route.method.toUpperCase(), route.path, async (context) => {
    const { access } = route;
    const text = route.method === 'get' ? '' : await context.req.text();
    const signed = access === 'signature' ? takeSigned(context, text, options) : undefined;
    const identity = access === 'signature' ? SIGNER : context.get('identity');
    const { query, dryRun } = readQuery(context, route);
    if (access !== 'signature') requireRole(identity, dryRun ? 'read' : access);
    const answer = await route.handle({
      signed,
      query,
      dryRun,
      identity,
      body: route.body === undefined ? readNothing(text) : readBody(context, text, route.body),
      parameter: (name) => context.req.param(name) ?? '',
    });
    if (answer instanceof Response) return answer;
    return context.json(answer, 200, { 'cache-control': 'no-store' });
  });
}

/** Who cannot sign takes none of the requests of those who can. */
function takeSigned(context: Context, body: string, { rate, signature }: MountOptions): string {
  let name = '';
  try {
    const header = context.req.header(SIGNATURE_HEADER);
    const signed = verifySignature({ header, body }, signature);
    name = SIGNER.name;
    return signed;
  } finally {
    requireRate(rate, name);
  }
}

function readQuery(
  context: Context,
  { dryRun, query, access }: Route,
): { query: unknown; dryRun: boolean } {
  const { dry_run: asked, ...others } = context.req.queries();
  if (asked !== undefined && access === 'signature') {
    throw invalidRequest('Query: no dry_run, which is a member of the signed body', 'one');
  }
  if (asked !== undefined && dryRun === undefined) throw invalidRequest('Query: no dry_run', 'one');
  return { query: readOthers(others, query), dryRun: asked !== undefined && isSaid(asked) };
}

function isSaid(asked: readonly string[]): boolean {
  const [said] = asked;
  if (asked.length === 1 && (said === 'true' || said === 'false')) return said === 'true';
  throw invalidRequest('Query: dry_run=true or dry_run=false', 'another value');
}

function readOthers(given: Readonly<Record<string, string[]>>, query: Route['query']): unknown {
  const known = Object.keys(query?.shape ?? {});
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw invalidRequest(`Query: ${known.join(', ') || 'nothing'} besides dry_run`, 'more');
  }
  const twice = Object.keys(given).find((name) => given[name]?.length !== 1);
  if (twice !== undefined) throw invalidRequest(`Query, ${twice}: one value`, 'several');
  const values = Object.entries(given).map(([name, [value]]) => [name, value] as const);
  const parsed = query?.safeParse(Object.fromEntries(values));
  if (parsed === undefined || parsed.success) return parsed?.data;
  const [issue] = parsed.error.issues;
  const name = issue?.path.map(String).join('.') ?? '';
  throw invalidRequest(`Query, ${name}: what /openapi.json says`, 'another value');
}

function readNothing(text: string): undefined {
  if (text !== '') throw invalidRequest('No body', 'one');
  return undefined;
}

function readBody(context: Context, text: string, schema: z.ZodType): unknown {
  const type = context.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  // Pages of other origins may send anything else without asking first.
  if (type !== JSON_TYPE) {
    throw fault('MEDIA_TYPE_UNSUPPORTED', { accepted: JSON_TYPE, got: type ? 'another' : 'none' });
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw refuseIssue(parsed.error.issues[0]);
}

const JSON_TYPE = 'application/json';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest('A body in JSON', 'another text');
  }
}

/** Without what the caller wrote, but for the names of members that are known. */
function refuseIssue(issue: z.core.$ZodIssue | undefined): FreshetError {
  const path = issue?.path.map(String).join('.') ?? '';
  const member = path === '' ? 'Body' : `Body, ${path}`;
  if (issue?.code === 'unrecognized_keys') {
    return invalidRequest(`${member}: no member that is not in /openapi.json`, 'another');
  }
  return invalidRequest(`${member}: what /openapi.json says`, issue?.message ?? 'another value');
}
