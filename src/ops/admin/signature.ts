/**
 * Webhooks are signed by who shares a secret with this node:
 *
 *     Freshet-Signature: t=1772366400,v1=<hex of HMAC-SHA-256(secret, "1772366400." + body)>
 *
 * `t` is in seconds since the Unix epoch. There may be several `v1`, while secrets are changed.
 *
 * It promises: a signature that is not of this very body, or not of these minutes, is refused, and
 * a secret cannot be learnt from the time that takes.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { digestOf } from '../../invalidation/digest.ts';
import { fault, type FreshetError } from '../../invalidation/errors.ts';

export const SIGNATURE_HEADER = 'Freshet-Signature';

export interface SignatureOptions {
  readonly webhook: FreshetConfig['webhook'];
  readonly clock: Clock;
}

export interface SignedBody {
  readonly header: string | undefined;
  readonly body: string;
}

const SIGNATURES_MAX = 5;
const FORM = /^t=(\d{1,12})((?:,v1=[0-9a-f]{64})+)$/;

/**
 * What tells the signed request from others, whichever secret it was signed with.
 *
 * @throws WEBHOOK_UNCONFIGURED, SIGNATURE_INVALID
 */
export function verifySignature(signed: SignedBody, { webhook, clock }: SignatureOptions): string {
  if (webhook === undefined) throw fault('WEBHOOK_UNCONFIGURED');
  const [, time = '', list = ''] = FORM.exec(signed.header ?? '') ?? [];
  const given = list.split(',v1=').slice(1);
  if (given.length === 0 || given.length > SIGNATURES_MAX) {
    const got = signed.header === undefined ? 'none' : 'another form';
    throw invalid('t=<seconds>,v1=<64 hexadecimal digits>', got);
  }
  const content = `${time}.${signed.body}`;
  let isSigned = false;
  for (const secret of webhook.secrets) {
    const expected = createHmac('sha256', secret).update(content).digest();
    for (const one of given) {
      isSigned = timingSafeEqual(expected, Buffer.from(one, 'hex')) || isSigned;
    }
  }
  if (!isSigned) throw invalid('a signature of the time and the body', 'another');
  const ageSeconds = Math.abs(clock.wall() / 1_000 - Number(time));
  if (ageSeconds > webhook.toleranceSeconds) {
    throw invalid(`a time at most ${webhook.toleranceSeconds} s from now`, 'another');
  }
  return digestOf(content);
}

function invalid(required: string, got: string): FreshetError {
  return fault('SIGNATURE_INVALID', { required, got });
}
