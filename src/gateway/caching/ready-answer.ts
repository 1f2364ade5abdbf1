/**
 * What is sent for an entry, ready to be written: the bytes, in plain text or in a coding, and the
 * head of the answer as one flat list. A head is made anew when a second of its age or of its time
 * to live has passed or the node's position has moved, and not for each request.
 */
import type { Entry } from '../../cache/entry.ts';
import type { Tier } from '../../cache/tiers.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { digestOf } from '../../invalidation/digest.ts';
import type { Position } from '../../invalidation/position.ts';
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

/** These and `etag` are all that differs from entry to entry, and from moment to moment. */
const OWN_LINES = ['cache-control', 'cache-status', 'age', 'freshet-position', 'cache-tag'];
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
  #headers: readonly string[] = [];
  /** The same as text; made when it is first wanted. */
  #head: string | undefined;
  #text = new ReplyText();
  /** Those that differ from moment to moment. */
  #lines: readonly string[] = [];
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
    this.body = (coding && entry.encoded?.[coding]) ?? entry.value;
  }

  /** For status 200. */
  headers(entry: Entry, moment: Moment): readonly string[] {
    this.#bringUpTo(entry, moment);
    return this.#headers;
  }

  /** The same, as it is written. */
  reply(entry: Entry, moment: Moment): Reply {
    this.#bringUpTo(entry, moment);
    if (this.#head === undefined) {
      this.#head = linesOf(this.#headers);
      this.#text = new ReplyText();
    }
    return { status: 200, head: this.#head, body: this.body, text: this.#text };
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
    const isMoved = position !== this.#position || entry.staleAt !== this.#staleAt;
    if (now < this.#validUntil && !isMoved) return;
    const ageMs = Math.max(0, now - entry.readAt);
    const ttlMs = Math.max(0, entry.staleAt - now);
    this.#make(entry, { ageMs, ttlMs, position });
    this.#position = position;
    this.#staleAt = entry.staleAt;
    // Both are told in whole seconds; the one that is over first ends what is told.
    const endOfAge = entry.readAt + (Math.floor(ageMs / SECOND_MS) + 1) * SECOND_MS;
    const endOfTtl = entry.staleAt - Math.floor(ttlMs / SECOND_MS) * SECOND_MS;
    this.#validUntil = Math.min(endOfAge, endOfTtl);
  }

  #make(
    entry: Entry,
    { position, ageMs, ttlMs }: { position: Position; ageMs: Millis; ttlMs: Millis },
  ): void {
    const { mediaType, shared, public: isPublic, headers: common } = this.template;
    const { value: body, tags } = entry;
    const how = { kind: 'hit', tier: this.#tier } as const;
    const answer = {
      how, body, digest: this.#digest, tags, shared, public: isPublic, ageMs, ttlMs,
      kept: undefined,
    };
    const http = { status: 200, mediaType, batch: false, answers: [answer], position };
    const told = answerHeaders(http, this.#options);
    const plainTag = told['etag'] ?? '';
    const lines: string[] = [];
    for (const name of OWN_LINES) {
      const line = told[name];
      if (line !== undefined) lines.push(name, line);
    }
    this.#plainTag = plainTag;
    this.#lines = lines;
    const { coding } = this;
    const headers = common.concat(lines, ['content-length', String(this.body.length)]);
    if (coding === undefined) headers.push('etag', plainTag);
    else headers.push('etag', codedEntityTag(plainTag, coding), 'content-encoding', coding);
    this.#headers = headers;
    this.#head = undefined;
  }
}

function withoutContent(headers: readonly string[]): readonly string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'content-type');
}
