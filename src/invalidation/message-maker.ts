/** Makes the messages of one service, each with an id and a timestamp of its own. */
import type { Clock } from './clock.ts';
import { fault } from './errors.ts';
import {
  BATCH_LENGTH_MAX, entityTypeOf, type InvalidationMessage, type Metadata,
} from './message.ts';
import { readPattern } from './pattern.ts';

export interface MessageMakerOptions {
  /** The `source_service` of every message. */
  readonly sourceService: string;
  readonly clock: Clock;
  /** A new `message_id` at each call, unique among all services: a random UUID. */
  readonly newId: () => string;
}

type Id = string | number;
type Content = Pick<InvalidationMessage, 'action' | 'entity_type'> & Partial<InvalidationMessage>;

export class MessageMaker {
  readonly #sourceService: string;
  readonly #clock: Clock;
  readonly #newId: () => string;

  constructor({ sourceService, clock, newId }: MessageMakerOptions) {
    this.#sourceService = sourceService;
    this.#clock = clock;
    this.#newId = newId;
  }

  /** The entity is gone. `type` in any case: `User`, `session`. */
  deleted(type: string, id: Id, metadata?: Metadata): InvalidationMessage {
    return this.#entity('Delete', [type, id], metadata);
  }

  /** The entity has changed. */
  updated(type: string, id: Id, metadata?: Metadata): InvalidationMessage {
    return this.#entity('Update', [type, id], metadata);
  }

  /** The entity is new: every list of its type is stale, and every null in its place. */
  created(type: string, id: Id, metadata?: Metadata): InvalidationMessage {
    return this.#entity('Update', [type, id], { ...metadata, created: true });
  }

  /** Full cache keys, at most 10,000; throws `MESSAGE_INVALID` for more. */
  batch(keys: readonly string[], metadata?: Metadata): InvalidationMessage {
    if (keys.length > BATCH_LENGTH_MAX) {
      const reason = `at most ${BATCH_LENGTH_MAX} keys were required, got ${keys.length}`;
      throw fault('MESSAGE_INVALID', { reason });
    }
    const entity_type = { Custom: 'batch' };
    return this.#message({ action: 'Batch', entity_type, entity_ids: keys }, metadata);
  }

  /** Throws `PATTERN_INVALID` for a text that readers could not use. */
  pattern(text: string, metadata?: Metadata): InvalidationMessage {
    readPattern(text);
    const entity_type = { Custom: 'pattern' };
    return this.#message({ action: 'Pattern', entity_type, pattern: text }, metadata);
  }

  #entity(
    action: 'Delete' | 'Update',
    [type, id]: readonly [string, Id],
    metadata: Metadata | undefined,
  ): InvalidationMessage {
    const got = typeof id;
    if (got !== 'string' && got !== 'number') {
      throw fault('MESSAGE_INVALID', { reason: `an id (text or number) was required, got ${got}` });
    }
    const entity_type = entityTypeOf(type);
    return this.#message({ action, entity_type, entity_id: String(id) }, metadata);
  }

  #message(content: Content, metadata: Metadata | undefined): InvalidationMessage {
    return {
      entity_id: null,
      pattern: null,
      entity_ids: null,
      ...content,
      message_id: this.#newId(),
      timestamp: new Date(this.#clock.wall()).toISOString(),
      source_service: this.#sourceService,
      metadata: metadata ?? null,
    };
  }
}
