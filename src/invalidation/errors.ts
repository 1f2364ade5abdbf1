/**
 * Every fault of the world that this project reports has a code, and all codes stand in one table.
 * The code is stable, the message is for people: it says what was required and what was got, and
 * never holds a secret, a token or a payload. Our own bugs are not here: they are assertions.
 */

interface Row {
  /** `{name}` is filled in from the details. */
  readonly message: string;
  /** The HTTP status of an answer that fails for this reason; absent where none can. */
  readonly status?: number;
}

export const FAULTS = {
  MESSAGE_INVALID: { message: 'The message cannot be read: {reason}.', status: 400 },
  MESSAGE_TOO_LARGE: {
    message: 'A message of at most {bytesMax} bytes was required, got {bytes}.',
    status: 413,
  },
  TAG_INVALID: { message: 'Tag: {required} was required, got {got}.', status: 400 },
  PATTERN_INVALID: { message: 'Pattern: {required} was required, got {got}.', status: 400 },
  KEY_MAP_INVALID: { message: 'Key map: {required} was required, got {got}.' },
  LOG_UNAVAILABLE: { message: 'The log cannot be reached: {reason}.', status: 503 },
  LOG_CLOSED: { message: 'The log has been closed.', status: 503 },
  REDIS_OPTIONS_INVALID: { message: 'Redis, {path}: {required} was required, got {got}.' },
  SUBSCRIBER_INVALID: { message: 'Subscriber, {path}: {required} was required, got {got}.' },
  OUTBOX_INVALID: { message: 'Outbox, {path}: {required} was required, got {got}.' },
  SOURCE_INVALID: { message: 'Source, {path}: {required} was required, got {got}.' },
  CONFIG_INVALID: { message: 'The configuration is not valid.\n{faults}' },
  SUPERGRAPH_UNAVAILABLE: {
    message: 'The supergraph cannot be read from {source}: {reason}.',
    status: 503,
  },
  COMPOSITION_FAILED: { message: 'The subgraphs do not compose into a supergraph.\n{faults}' },
  POLICY_INVALID: { message: 'The caching rules of the schema are not valid.\n{faults}' },
  ALIAS_RESERVED: {
    message: 'Aliases that do not begin with {prefix} were required, got {alias}.',
    status: 400,
  },
  PORT_IN_USE: { message: 'Port {port} was required to be free, got one that is in use.' },
  LISTEN_FAILED: {
    message: 'An address to listen on was required, got {host}:{port}: {reason}.',
  },
  POSITION_INVALID: {
    message: 'Freshet-Position: a position as an answer named it was required, got {got}.',
    status: 400,
  },
  REQUEST_INVALID: { message: '{required} was required, got {got}.', status: 400 },
  DOCUMENT_LIMIT_EXCEEDED: {
    message: '{limit}: at most {max} was required, got {got}.',
    status: 400,
  },
  PATH_UNKNOWN: { message: 'Path {path} was required, got another.', status: 404 },
  METHOD_NOT_ALLOWED: { message: 'Method {allowed} was required, got {got}.', status: 405 },
  NOT_ACCEPTABLE: { message: 'Accept with {offered} was required, got {got}.', status: 406 },
  REQUEST_TIMEOUT: { message: 'A whole request in time was required, got a part.', status: 408 },
  BODY_TOO_LARGE: {
    message: 'A body of at most {bytesMax} bytes was required, got {got}.',
    status: 413,
  },
  MEDIA_TYPE_UNSUPPORTED: {
    message: 'Content-Type {accepted} was required, got {got}.',
    status: 415,
  },
  HEADERS_TOO_LARGE: {
    message: 'Headers of at most {bytesMax} bytes were required, got more.',
    status: 431,
  },
  SHUTTING_DOWN: { message: 'This node is shutting down: ask another.', status: 503 },
  TOKEN_REQUIRED: { message: 'A valid bearer token was required, got {got}.', status: 401 },
  ROLE_REQUIRED: {
    message: 'A token with the role {required} was required, got one with {got}.',
    status: 403,
  },
  ORIGIN_REFUSED: {
    message: 'A request that no page of another origin made was required, got another Origin.',
    status: 403,
  },
  RATE_LIMITED: {
    message: 'At most {perMinuteMax} requests a minute were required, got more: ask later.',
    status: 429,
  },
  REQUEST_ID_REUSED: {
    message: 'A new request_id was required, got one that was given to another request.',
    status: 409,
  },
  WEBHOOK_UNCONFIGURED: {
    message: 'Secrets for webhooks were required, got none: set webhook.secrets.',
    status: 404,
  },
  SIGNATURE_INVALID: {
    message: 'Freshet-Signature: {required} was required, got {got}.',
    status: 401,
  },
  SIGNATURE_REPLAYED: {
    message: 'A request that was not received before was required, got it again: sign it anew.',
    status: 409,
  },
  STARTING: { message: 'This node is starting: ask again.', status: 503 },
  HOST_REFUSED: { message: 'Host {required} was required, got another.', status: 403 },
  AUDIT_UNAVAILABLE: { message: 'The audit cannot be read: {reason}.', status: 503 },
  AUDIT_OFF: {
    message: 'An audit was required, got none: set audit.enabled, or a database.',
    status: 404,
  },
  AUDIT_SCHEMA_UNKNOWN: {
    message: 'Audit tables of version {required} were required, got {got}: run a newer gateway.',
  },
  WATCHERS_TOO_MANY: {
    message: 'At most {max} watchers were required, got more: end one, or ask another node.',
    status: 503,
  },
  SUBGRAPH_TIMEOUT: {
    message: 'An answer of subgraph {subgraph} within {timeoutMs} ms was required, got none.',
    status: 504,
  },
  SUBGRAPH_UNREACHABLE: {
    message: 'Subgraph {subgraph} cannot be reached: {reason}.',
    status: 502,
  },
  SUBGRAPH_ANSWER_INVALID: {
    message: 'Subgraph {subgraph}: a GraphQL answer was required, got {got}.',
    status: 502,
  },
} as const satisfies Readonly<Record<string, Row>>;

export type FaultCode = keyof typeof FAULTS;

type Names<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** What the message template of `Code` asks for, and the `cause` where there is one. */
export type FaultDetails<Code extends FaultCode> =
  & Readonly<Record<Names<(typeof FAULTS)[Code]['message']>, string | number>>
  & { readonly cause?: unknown };

/** `details` may be left out where the template asks for nothing. */
type DetailsArgument<Code extends FaultCode> =
  Names<(typeof FAULTS)[Code]['message']> extends never
    ? [details?: FaultDetails<Code>]
    : [details: FaultDetails<Code>];

const BRAND = Symbol.for('freshet.error');

/** Recognised by `instanceof` even where two copies of this package are loaded. */
export class FreshetError extends Error {
  readonly code: FaultCode;
  readonly status: number | undefined;
  readonly [BRAND] = true;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = (FAULTS[code] as Row).status;
  }

  override get name(): string {
    return 'FreshetError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Makes the error of a row of the table: `throw fault('LOG_UNAVAILABLE', { reason, cause })`. */
export function fault<Code extends FaultCode>(
  code: Code,
  ...[details]: DetailsArgument<Code>
): FreshetError {
  const values: Readonly<Record<string, unknown>> = details ?? {};
  const message = FAULTS[code].message.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(values[name]));
  return new FreshetError(code, message, 'cause' in values ? { cause: values['cause'] } : {});
}
