/** Why there is no answer, and what helps. */
import { UNREACHABLE, type Refusal } from '../operators.ts';
import { Notice } from './notice.tsx';

export function RefusalNotice({ refusal }: { refusal: Refusal }) {
  const { code, message } = refusal;
  const known = ADVICE[code];
  return (
    <Notice kind="error" title={known?.title ?? message}>
      {known !== undefined && <p>{known.advice}</p>}
      <p class="quiet">{known === undefined ? code : `${code}: ${message}`}</p>
    </Notice>
  );
}

interface Advice {
  readonly title: string;
  readonly advice: string;
}

const ADVICE: Readonly<Record<string, Advice>> = {
  [UNREACHABLE]: {
    title: 'The node cannot be reached.',
    advice: 'Is it running, and is this its operators\u2019 listener?',
  },
  ROLE_REQUIRED: {
    title: 'The role of this token does not suffice.',
    advice: 'Use a token with a greater role: forget this one at the top of the page.',
  },
  AUDIT_OFF: {
    title: 'This node keeps no audit.',
    advice: 'Name a database in the configuration, or set audit.enabled to true for an audit ' +
      'inside the process.',
  },
  AUDIT_UNAVAILABLE: {
    title: 'The audit does not answer now.',
    advice: 'Its database is away or slow. Nothing is lost meanwhile. Narrow the search by a ' +
      'time, or ask again later.',
  },
  RATE_LIMITED: {
    title: 'Too many requests were made with this token.',
    advice: 'Wait a minute, or raise adminRequestsPerMinuteMax.',
  },
  STARTING: {
    title: 'The node is starting.',
    advice: 'It answers as soon as it has read the log and the supergraph.',
  },
  SHUTTING_DOWN: { title: 'The node is shutting down.', advice: 'Ask another one.' },
  LOG_UNAVAILABLE: {
    title: 'The log cannot be reached.',
    advice: 'This node has applied the purge, and will append it when it can. Ask again with the ' +
      'same request until it succeeds.',
  },
  WATCHERS_TOO_MANY: {
    title: 'Too many are watching this node.',
    advice: 'Close a page that nobody looks at.',
  },
};
