/** Who may do what on the operators' listener: options of the top level. */
import { z } from 'zod';

const text = z.string().trim().min(1);
const about = (description: string) => ({ description });

const token = z.strictObject({
  name: z.string().regex(/^[\w.@-]{1,64}$/).meta({
    description: 'Who it is: the actor in the log and in the audit.',
    required: 'up to 64 letters, digits, and marks - _ . @',
  }),
  hash: z.string().regex(/^[0-9a-f]{64}$/).meta({
    description: 'SHA-256 of the token, which is itself written nowhere: of 32 random bytes.',
    required: '64 hexadecimal digits in lower case',
    secret: true,
  }),
  role: z.enum(['read', 'purge', 'admin'])
    .meta(about('What it may: look; invalidate as well; everything, also `*` and the switch.')),
});

const jwt = z.strictObject({
  jwksUrl: z.string()
    .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
    .meta({ description: 'Where the public keys are.', required: 'an http or https URL' }),
  issuer: text.meta(about('Required value of `iss`.')),
  audience: text.meta(about('Required value of `aud`: of this listener alone.')),
  rolesClaim: text.default('roles')
    .meta(about('Claim with read, purge or admin, or a list; the highest counts.')),
  nameClaim: text.default('sub').meta(about('Claim that names the actor.')),
});

const webhook = z.strictObject({
  secrets: z.array(z.string().min(32).meta({
    description: 'A shared secret.',
    required: 'a secret of at least 32 characters',
    secret: true,
  })).min(1).max(5).meta({
    description: 'Shared with senders; any of them signs, so that they can be changed.',
    secret: true,
  }),
  toleranceSeconds: z.int().min(1).max(3_600).default(300)
    .meta(about('A signature is taken for so long before and after its time, and once.')),
});

export const accessOptions = {
  adminToken: z.string().min(16).optional().meta({
    description: "Bearer token for the operators' listener, with the role admin.",
    required: 'a token of at least 16 characters',
    secret: true,
  }),
  adminTokens: z.array(token).max(100).default([])
    .meta(about('Bearer tokens of several operators and services, by their hashes.')),
  adminJwt: jwt.optional()
    .meta(about('Let in who bears a JWT that one of these keys has signed.')),
  adminOpen: z.boolean().default(false).meta(about(
    'Without any token let in, as admin, whoever is on this machine. In development true.',
  )),
  adminRequestsPerMinuteMax: z.int().min(1).max(1_000_000).default(6_000)
    .meta(about('Requests of each token, and of all webhooks, in each process.')),
  webhook: webhook.optional()
    .meta(about('Take signed messages at `/webhook/invalidate`. Default: none are.')),
};
