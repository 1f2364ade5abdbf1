/** docs/errors.md, made from the table of faults. */
import { FAULTS, type FaultCode } from '../../src/invalidation/errors.ts';

/** What to do, for each code: a new one is not documented before somebody says that. */
const ADVICE: Readonly<Record<FaultCode, string>> = {
  MESSAGE_INVALID: 'Mend what publishes it; docs/publishing.md has the nine fields. Of a message '
    + 'on the channel this is counted and logged, once a minute at most, and nothing else happens.',
  MESSAGE_TOO_LARGE: 'Publish a pattern or a type in place of many keys.',
  TAG_INVALID: 'Use `keys` of `freshet-gateway/invalidation`, which escape ids.',
  PATTERN_INVALID: 'docs/concepts/tags.md has the patterns that there are.',
  KEY_MAP_INVALID: 'Mend `keys` in the configuration.',
  LOG_UNAVAILABLE: 'See to Redis. The purge is applied on the node that was asked and is kept: ask '
    + 'again with the same `request_id` until it is in the log.',
  LOG_CLOSED: 'The process is ending, or used a publisher after `close()`.',
  REDIS_OPTIONS_INVALID: 'Mend the option that is named.',
  SUBSCRIBER_INVALID: 'Mend the option that is named.',
  OUTBOX_INVALID: 'Mend the option that is named.',
  SOURCE_INVALID: 'Mend the option that is named; docs/sources.md.',
  CONFIG_INVALID: 'Mend all that is listed, at once; docs/configuration.md. Exit code 2.',
  SUPERGRAPH_UNAVAILABLE: 'Is the file there, does the URL or the service answer? At start the '
    + 'services are waited for (`subgraphWaitMs`); later the last good one stays in use.',
  COMPOSITION_FAILED: 'Mend the schemas of the services as listed. They are composed at the '
    + 'start, and not again while the gateway runs.',
  POLICY_INVALID: 'Mend the directives or `cache.rules` that are named.',
  ALIAS_RESERVED: 'The client takes another alias.',
  PORT_IN_USE: 'End what has the port, or give `--port` or `--admin-port` another one.',
  LISTEN_FAILED: 'Is the address one of this machine, and may the process listen there?',
  POSITION_INVALID: 'Send back the header as it came, or none.',
  REQUEST_INVALID: 'Mend the request as the message says.',
  DOCUMENT_LIMIT_EXCEEDED: 'Ask for less at once, or raise the limit that is named (`limits`).',
  PATH_UNKNOWN: 'GraphQL is at `path`; what the operators\' listener has is in `/openapi.json`.',
  METHOD_NOT_ALLOWED: 'Use the method that is named. Mutations need POST.',
  NOT_ACCEPTABLE: 'Accept one of the media types that are named.',
  REQUEST_TIMEOUT: 'The client was too slow: `limits.headersTimeoutMs`, `limits.requestTimeoutMs`.',
  BODY_TOO_LARGE: 'Send less, or raise `limits.bodyBytesMax`.',
  MEDIA_TYPE_UNSUPPORTED: 'Send `content-type: application/json`.',
  HEADERS_TOO_LARGE: 'Send fewer headers, or raise `limits.headerBytesMax`.',
  SHUTTING_DOWN: 'Ask again: another node answers.',
  TOKEN_REQUIRED: 'Send `Authorization: Bearer ...`; docs/operators.md says who may what.',
  ROLE_REQUIRED: 'Use a token with the role that is named.',
  ORIGIN_REFUSED: 'A page of another origin may not ask the operators\' listener.',
  RATE_LIMITED: 'Wait for as long as `Retry-After` says, or raise `adminRequestsPerMinuteMax`.',
  REQUEST_ID_REUSED: 'Take a new `request_id` for each request that is another one.',
  WEBHOOK_UNCONFIGURED: 'Set `webhook.secrets`.',
  SIGNATURE_INVALID: 'Sign the time, a full stop and the body as it is sent; compare the clocks.',
  SIGNATURE_REPLAYED: 'It was done. To do it again, sign it with the time of now.',
  STARTING: 'Ask again in a moment.',
  HOST_REFUSED: 'Without a token, ask by `localhost` or an address of loopback.',
  AUDIT_UNAVAILABLE: 'See to the database; or ask for less time (`since`). Nothing is lost.',
  AUDIT_OFF: 'Set `database`, or `audit.enabled`.',
  AUDIT_SCHEMA_UNKNOWN: 'A newer version has made the tables: run that one.',
  WATCHERS_TOO_MANY: 'End a `freshet watch` that nobody looks at, or ask another node.',
  SUBGRAPH_TIMEOUT: 'See to the service, or raise `subgraphTimeoutMs`. `staleIfError` bridges it.',
  SUBGRAPH_UNREACHABLE: 'See to the service and its address. `staleIfError` bridges it.',
  SUBGRAPH_ANSWER_INVALID: 'What answers there is no GraphQL service, or answers too much.',
};

const INTRODUCTION = `# Errors

<!-- Made from src/invalidation/errors.ts by \`npx vitest run test/docs/errors.test.ts -u\`. -->

Codes stay, messages do not: programs go by the code. A message says what was required and what
was got, and never holds a secret, a token or a payload. \`{...}\` is filled in.

Over HTTP a fault is \`{"errors":[{"message":...,"extensions":{"code":...}}]}\`, with the status
below; in JavaScript it is a \`FreshetError\` with \`code\`; the command line prints it, as JSON
with \`--json\` ([cli.md](cli.md)). Errors that a service states pass through as they are.
`;

const OTHERS = `## Codes of others

| code | whose | |
|---|---|---|
| \`GRAPHQL_PARSE_FAILED\`, \`GRAPHQL_VALIDATION_FAILED\` | Yoga | The document is at fault. |
| \`BAD_REQUEST\`, \`BAD_USER_INPUT\` | Yoga | The request, or its variables, are at fault. |
| \`INTERNAL_SERVER_ERROR\` | the gateway | A bug of ours: the log has it, the answer does not. |
| \`USAGE\`, \`NODE_UNREACHABLE\` | the command line | [cli.md](cli.md) |
| \`ANSWER_INVALID\`, \`UNEXPECTED\` | the command line | [cli.md](cli.md) |
`;

/** The page, as Markdown. */
export function documentErrors(): string {
  const codes = Object.keys(FAULTS).toSorted() as FaultCode[];
  const sections = codes.map((code) => {
    const row: { readonly message: string; readonly status?: number } = FAULTS[code];
    const status = row.status === undefined ? 'No HTTP answer has it.' : `HTTP ${row.status}.`;
    const message = row.message.replaceAll('\n', ' ');
    return `### ${code}\n\n${status} \`${message}\`\n\n${linked(ADVICE[code])}\n`;
  });
  return [INTRODUCTION, '## Codes\n', ...sections, OTHERS].join('\n');
}

/** `docs/tags.md` in an advice is a link on the page. */
function linked(advice: string): string {
  return advice.replaceAll(/docs\/([\w/-]+\.md)/g, '[$1]($1)');
}
