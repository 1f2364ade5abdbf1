/**
 * What is sent for an entry, ready to be written: the bytes, in plain text or in a coding, and the
 * head of the answer as one flat list. A head is made anew when a second of its age or of its time
 * to live has passed, and not for each request; of its lines the position alone may move faster.
 */
import type { Entry } from '../../cache/entry.ts';
import { withOwnMemory } from '../../cache/own-memory.ts';
import type { Tier } from '../../cache/tiers.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { digestOf } from '../../invalidation/digest.ts';
import { formatPosition, ORIGIN, type Position } from '../../invalidation/position.ts';
import { answerHeaders, type AnswerHeaderOptions } from './answer-headers.ts';
import { codedEntityTag, type Coding } from '../http/content-coding.ts';
import { linesOf, ReplyText, type Reply } from '../http/repeat.ts';

/** What the answers to like requests have in common, whatever entry they are made of. */
export interface Template {
  /** Names and values in turn, as Node takes them: content type, `Vary`, what CORS adds. */
  readonly headers: readonly string[];
  readonly mediaType: string;
  readonly shared: boolean;
  readonly public: boolean;
}

export interface Moment {
  readonly now: Millis;
  readonly position: Position;
}

const POSITION = 'freshet-position';
/** Where its value stands in lists of headers. */
const POSITION_AT = 1;
/** These, the position and `etag` are all that differs from entry to entry and with time. */
const OWN_LINES = ['cache-control', 'cache-status', 'age', 'cache-tag'];
const SECOND_MS = 1_000;

export class ReadyAnswer {
  readonly template: Template;
  readonly coding: Coding | undefined;
  readonly body: Buffer;
  /** How often a better coding was wanted. */
  readonly wanted = new Map<Coding, number>();
  readonly #digest: string;
  readonly #tier: Tier;
  readonly #options: AnswerHeaderOptions;
  /** For status 200; what the position is stands at a place of its own. */
  #headers: string[] = [];
  /** What is behind it, as text; made when it is first wanted. */
  #rest: string | undefined;
  #text: ReplyText | undefined;
  /** Those that differ from moment to moment. */
  #lines: string[] = [];
  #plainTag = '';
  #position: Position | undefined;
  #staleAt: Millis = Number.NaN;
  #validUntil: Millis = Number.NEGATIVE_INFINITY;

  constructor(entry: Entry, { template, coding, options, tier = 'l1' }: {
    template: Template;
    coding: Coding | undefined;
    options: AnswerHeaderOptions;
    /** Where the entry was found. Default `l1`. */
    tier?: Tier;
  }) {
    this.template = template;
    this.coding = coding;
    this.#tier = tier;
    this.#options = options;
    this.#digest = entry.digest ?? digestOf(entry.value);
    const { value } = entry;
    // With an entry of L1 it is kept.
    const plain = tier === 'l1' ? withOwnMemory(value) : value;
    this.body = (coding && entry.encoded?.[coding]) ?? plain;
  }

  /** For status 200; it is the next caller's as well. */
  headers(entry: Entry, moment: Moment): readonly string[] {
    this.#bringUpTo(entry, moment);
    return this.#headers;
  }

  /** The same, as it is written. */
  reply(entry: Entry, moment: Moment): Reply {
    this.#bringUpTo(entry, moment);
    const headers = this.#headers;
    this.#rest ??= linesOf(headers.slice(POSITION_AT + 1));
    const head = `${POSITION}: ${headers[POSITION_AT]}\r\n${this.#rest}`;
    this.#text ??= new ReplyText();
    return { status: 200, head, body: this.body, text: this.#text };
  }

  /** For status 304, to a client that holds what has this tag. */
  headersUnchanged(entry: Entry, moment: Moment, etag: string): readonly string[] {
    this.#bringUpTo(entry, moment);
    return [...withoutContent(this.template.headers), ...this.#lines, 'etag', etag];
  }

  /** The entity tag of the content in plain text. */
  plainTag(entry: Entry, moment: Moment): string {
    this.#bringUpTo(entry, moment);
    return this.#plainTag;
  }

  #bringUpTo(entry: Entry, { now, position }: Moment): void {
    if (now >= this.#validUntil || entry.staleAt !== this.#staleAt) this.#make(entry, now);
    else if (position === this.#position) return;
    this.#position = position;
    this.#text = undefined;
    // Under many invalidations it moves from one answer to the next, and nothing else does.
    this.#headers[POSITION_AT] = this.#lines[POSITION_AT] = textOf(position);
  }

  #make(entry: Entry, now: Millis): void {
    const { mediaType, shared, public: isPublic, headers: common } = this.template;
    const { value: body, tags, readAt, staleAt } = entry;
    const ageMs = Math.max(0, now - readAt);
    const ttlMs = Math.max(0, staleAt - now);
    const how = { kind: 'hit', tier: this.#tier } as const;
    const answer = {
      how, body, digest: this.#digest, tags, shared, public: isPublic, ageMs, ttlMs,
      kept: undefined,
    };
    const http = { status: 200, mediaType, batch: false, answers: [answer], position: ORIGIN };
    const told = answerHeaders(http, this.#options);
    const plainTag = told['etag'] ?? '';
    const lines = [POSITION, ''];
    for (const name of OWN_LINES) {
      const line = told[name];
      if (line !== undefined) lines.push(name, line);
    }
    this.#plainTag = plainTag;
    this.#lines = lines;
    const { coding } = this;
    const headers = [...lines, ...common, 'content-length', String(this.body.length)];
    if (coding === undefined) headers.push('etag', plainTag);
    else headers.push('etag', codedEntityTag(plainTag, coding), 'content-encoding', coding);
    this.#headers = headers;
    this.#rest = undefined;
    this.#staleAt = staleAt;
    // Both are told in whole seconds; the one that is over first ends what is told.
    const endOfAge = readAt + (Math.floor(ageMs / SECOND_MS) + 1) * SECOND_MS;
    const endOfTtl = staleAt - Math.floor(ttlMs / SECOND_MS) * SECOND_MS;
    this.#validUntil = Math.min(endOfAge, endOfTtl);
  }
}

let last = { position: ORIGIN, text: formatPosition(ORIGIN) };

/** Of the position that the node is at, which all answers tell. */
function textOf(position: Position): string {
  if (position !== last.position) last = { position, text: formatPosition(position) };
  return last.text;
}

function withoutContent(headers: readonly string[]): readonly string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'content-type');
}
