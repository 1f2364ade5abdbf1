/** The OpenAPI 3.1 document of the endpoints, made of what they are served by. */
import { z } from 'zod';
import { FAULTS, type FaultCode } from '../../invalidation/errors.ts';
import type { Route } from './route.ts';
import { SIGNATURE_HEADER } from './signature.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of whoever has to bear a token, before anything is looked at. */
const ACCESS_REFUSALS: readonly FaultCode[] = [
  'TOKEN_REQUIRED', 'ROLE_REQUIRED', 'HOST_REFUSED', 'ORIGIN_REFUSED',
];
const COMMON_REFUSALS: readonly FaultCode[] = [
  'REQUEST_INVALID', 'RATE_LIMITED', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'STARTING',
  'LOG_CLOSED', 'SHUTTING_DOWN',
];
const BODY_REFUSALS: readonly FaultCode[] = ['BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'];

const refusal = z.object({
  errors: z.array(z.object({
    message: z.string(),
    extensions: z.object({ code: z.string() }),
  })).length(1),
});

export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Freshet for operators',
      version,
      description: 'A dry run takes the role read. All refusals have a code that stays.',
    },
    paths,
    components: {
      schemas: { Refusal: schemaOf(refusal) },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        signature: { type: 'apiKey', in: 'header', name: SIGNATURE_HEADER },
      },
    },
  };
}

function operationOf(route: Route): Json {
  const { access, body, answer, dryRun, summary, mediaType, parameters = {} } = route;
  const answers = [answer, ...(dryRun === undefined ? [] : [dryRun])].map((one) => schemaOf(one));
  return {
    summary,
    'x-role': access,
    security: [{ [access === 'signature' ? 'signature' : 'bearer']: [] }],
    parameters: [
      ...Object.entries(parameters).map(([name, description]) =>
        ({ name, in: 'path', required: true, description, schema: { type: 'string' } })),
      ...queryOf(route),
      ...(dryRun === undefined || access === 'signature' ? [] : [DRY_RUN]),
    ],
    ...(body && { requestBody: { required: true, content: contentOf(schemaOf(body, 'input')) } }),
    responses: {
      200: {
        description: 'Done.',
        content: contentOf(answers.length === 1 ? answers[0] : { oneOf: answers }, mediaType),
      },
      ...refusalsOf(route),
    },
  };
}

function queryOf({ query }: Route): Json[] {
  return Object.entries(query?.shape ?? {}).map(([name, one]) => {
    const { description, ...schema } = schemaOf(one as z.ZodType, 'input');
    const required = !(one as z.ZodType).safeParse(undefined).success;
    return { name, in: 'query', required, description, schema };
  });
}

const DRY_RUN = {
  name: 'dry_run',
  in: 'query',
  description: 'True: says what it would do, and changes nothing.',
  schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
};

function refusalsOf({ access, body, refusals }: Route): Json {
  const codes = [
    ...COMMON_REFUSALS,
    ...(access === 'signature' ? [] : ACCESS_REFUSALS),
    ...(body === undefined ? [] : BODY_REFUSALS),
    ...refusals,
  ];
  const byStatus = new Map<number, FaultCode[]>();
  for (const code of codes) {
    const { status } = FAULTS[code] as { status?: number };
    if (status !== undefined) byStatus.set(status, [...byStatus.get(status) ?? [], code]);
  }
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, {
    description: some.join(', '),
    content: contentOf({ $ref: '#/components/schemas/Refusal' }),
  }]));
}

function contentOf(schema: unknown, mediaType = 'application/json'): Json {
  return { [mediaType]: { schema } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return described;
}
