/**
 * The message that services exchange on the channel (DESIGN, section 4), and its JSON.
 *
 * It promises: what any existing service sends is read, if its meaning is plain; what is written is
 * accepted by every existing reader; and no payload, however hostile, does more than be refused.
 */
import { isAscii } from 'node:buffer';
import { fault, FreshetError } from './errors.ts';
import { readPlain, readPlains, writePlain, type PlainFields } from './message-plain.ts';
import { readPattern } from './pattern.ts';

/** A well-known type by its name, or any other: `{ Custom: 'session' }`. */
export type EntityType =
  | (typeof WELL_KNOWN_TYPES)[number]
  | { readonly Custom: string };

export type Action = (typeof ACTIONS)[number];

const WELL_KNOWN_TYPES = ['User', 'Post', 'Comment', 'Notification', 'Feed'] as const;
const ACTIONS = ['Delete', 'Update', 'Batch', 'Pattern'] as const;

/** Additions of ours and of anyone else's; unknown members are kept as they are. */
export interface Metadata {
  readonly [name: string]: unknown;
  /** Where the message stands in the log, in wire form; absent from a foreign publisher. */
  readonly position?: string;
  /** The entity is new: its collection is purged as well. */
  readonly created?: boolean;
  /** A fill whose entity shows a lower version is not stored. */
  readonly version?: number;
  /** More tags or patterns that this invalidation purges. */
  readonly cascade?: readonly string[];
  readonly soft?: boolean;
  readonly actor?: string;
  readonly reason?: string;
  readonly request_id?: string;
  /** The trace that it is part of (traceparent.ts). */
  readonly traceparent?: string;
}

/** All nine fields are always written, absent ones as null, so that every reader accepts them. */
export interface InvalidationMessage {
  readonly message_id: string;
  readonly entity_type: EntityType;
  readonly entity_id: string | null;
  readonly pattern: string | null;
  /** Full cache keys; with `Batch` only. */
  readonly entity_ids: readonly string[] | null;
  readonly action: Action;
  /** RFC 3339; kept as its sender wrote it, since nothing is decided by it. */
  readonly timestamp: string;
  readonly source_service: string;
  readonly metadata: Metadata | null;
}

export interface MessageLimits {
  /** Bytes of the JSON text. Default 1 MiB. */
  readonly bytesMax?: number;
  /** Keys in one batch. Default 10,000. */
  readonly batchLengthMax?: number;
  /** Entries of `metadata.cascade`. Default 1,000. */
  readonly cascadeLengthMax?: number;
  /** How deep `metadata` may be nested. Default 32. */
  readonly metadataDepthMax?: number;
}

export const BATCH_LENGTH_MAX = 10_000;
const BYTES_MAX = 2 ** 20;

/**
 * Reads a message, leniently where no meaning is lost: absent optional fields, numbers as ids, a
 * type or an action in another case, unknown fields. The payload is UTF-8 where it is bytes.
 * Throws `MESSAGE_INVALID` with the reason, or `MESSAGE_TOO_LARGE`; never shows the payload.
 */
export function readMessage(
  payload: string | Uint8Array,
  limits?: MessageLimits,
): InvalidationMessage {
  return readWritten(payload, limits).message;
}

/** As `readMessage`; `json` where that is what `writeMessage` would write of it. */
export function readWritten(
  payload: string | Uint8Array,
  limits: MessageLimits = {},
): { readonly message: InvalidationMessage; readonly json: string | undefined } {
  const { bytesMax = BYTES_MAX } = limits;
  checkLength(payload, bytesMax);
  const text = textIn(payload);
  const plain = readPlain(text);
  if (plain === undefined) return { message: messageOf(parse(text), limits), json: undefined };
  const message = messageOfPlain(plain);
  // A type may be written in another case.
  const isWritten = entityTypeName(plain.entity_type) === entityTypeName(message.entity_type);
  return { message, json: isWritten ? text : undefined };
}

/**
 * Throws as `readMessage` would for the message's JSON, which is not parsed for it. Returns what
 * that would give, but for metadata, of which JSON may make something else.
 */
export function checkMessage(message: InvalidationMessage, json: string): InvalidationMessage {
  checkLength(json, BYTES_MAX);
  const fields = message as unknown as Fields;
  return messageOf({ fields, exactFields: () => fields }, {});
}

/**
 * Reads a JSON array of messages; undefined in the place of one that `readMessage` would refuse.
 * Throws as `readMessage` where it is no array.
 */
export function readMessages(json: string): readonly (InvalidationMessage | undefined)[] {
  checkLength(json, BYTES_MAX);
  const plain = readPlains(json);
  if (plain !== undefined) return plain.map(messageOfPlain);
  const { value, exactly } = parseJson(json);
  if (!Array.isArray(value)) throw unreadable('a JSON array was required');
  return value.map((fields: unknown, at) => {
    if (!isObject(fields)) return undefined;
    try {
      return messageOf({ fields, exactFields: () => (exactly() as Fields[])[at] as Fields }, {});
    } catch {
      return undefined;
    }
  });
}

function checkLength(payload: string | Uint8Array, bytesMax: number): void {
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  if (payload.length * 3 <= bytesMax) return;
  const bytes = Buffer.byteLength(payload);
  if (bytes > bytesMax) throw fault('MESSAGE_TOO_LARGE', { bytesMax, bytes });
}

function messageOfPlain(fields: PlainFields): InvalidationMessage {
  const { message_id, entity_type: type, entity_id, action, timestamp, source_service } = fields;
  const entity_type = typeof type === 'string' ? entityTypeOf(type) : type;
  return {
    message_id, entity_type, entity_id, pattern: null, entity_ids: null, action, timestamp,
    source_service, metadata: null,
  };
}

function messageOf({ fields, exactFields }: Parsed, limits: MessageLimits): InvalidationMessage {
  const action = actionOf(fields['action']);
  const message: InvalidationMessage = {
    message_id: required('message_id', fields),
    entity_type: typeOf(fields['entity_type']),
    entity_id: textOf(fields['entity_id'], () => exactFields()['entity_id']) ?? null,
    pattern: textOf(fields['pattern']) ?? null,
    entity_ids: action === 'Batch' ? keysOf(fields, { exactFields, ...limits }) : null,
    action,
    timestamp: required('timestamp', fields),
    source_service: required('source_service', fields),
    metadata: metadataOf(fields['metadata'], limits),
  };
  checkMeaning(message);
  return message;
}

/** The nine fields in the order of the table, absent ones as null. */
export function writeMessage(message: InvalidationMessage): string {
  return writePlain(message) ?? JSON.stringify(orderedFields(message, message.metadata));
}

/**
 * The same JSON in two parts, between which the position is put in wire form, so that whoever
 * knows the position (the script in Redis) has only to join three texts.
 */
export function writeMessageAround(message: InvalidationMessage): readonly [string, string] {
  const { position: _, ...others } = message.metadata ?? {};
  const members = JSON.stringify(others).slice(1, -1);
  const fields = JSON.stringify(orderedFields(message, null));
  const head = fields.slice(0, -'null}'.length);
  return [`${head}{${members}${members === '' ? '' : ','}"position":"`, '"}}'];
}

/** A name in any case: `user` -> `'User'`, `session` -> `{ Custom: 'session' }`. */
export function entityTypeOf(name: string): EntityType {
  const exact = WELL_KNOWN_TYPES.find((known) => known === name);
  if (exact !== undefined) return exact;
  const wanted = name.toLowerCase();
  return WELL_KNOWN_TYPES.find((known) => known.toLowerCase() === wanted) ?? { Custom: name };
}

/** The inverse: `'User'` -> `User`, `{ Custom: 'session' }` -> `session`. */
export function entityTypeName(type: PlainFields['entity_type']): string {
  return typeof type === 'string' ? type : type.Custom;
}

function orderedFields(
  message: InvalidationMessage,
  metadata: Metadata | null,
): InvalidationMessage {
  return {
    message_id: message.message_id,
    entity_type: message.entity_type,
    entity_id: message.entity_id,
    pattern: message.pattern,
    entity_ids: message.entity_ids,
    action: message.action,
    timestamp: message.timestamp,
    source_service: message.source_service,
    metadata,
  };
}

type Fields = Readonly<Record<string, unknown>>;

interface Parsed {
  readonly fields: Fields;
  /** The same with every number as it is written: 12345678901234567890 has more digits than fit. */
  readonly exactFields: () => Fields;
}

function parse(text: string): Parsed {
  const { value, exactly } = parseJson(text);
  if (!isObject(value)) throw unreadable('a JSON object was required');
  return { fields: value, exactFields: () => exactly() as Fields };
}

/** `exactly`: the same with every number as it is written. */
function parseJson(text: string): { value: unknown; exactly: () => unknown } {
  try {
    const value: unknown = JSON.parse(text);
    let exact: unknown;
    return { value, exactly: () => exact ??= JSON.parse(text, numberAsWritten) as unknown };
  } catch {
    // The error of the parser quotes the text, so it is not handed on as the cause.
    throw unreadable(NO_JSON);
  }
}

/** Most of it is ASCII, which is read many times faster. */
function textIn(payload: string | Uint8Array): string {
  if (typeof payload === 'string') return payload;
  if (Buffer.isBuffer(payload) && isAscii(payload)) return payload.toString('latin1');
  try {
    return UTF_8.decode(payload);
  } catch {
    throw unreadable(NO_JSON);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const NO_JSON = 'JSON in UTF-8 was required';

function numberAsWritten(_name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? context?.source ?? String(value) : value;
}

function actionOf(value: unknown): Action {
  if (ACTIONS.includes(value as Action)) return value as Action;
  const wanted = typeof value === 'string' ? value.toLowerCase() : undefined;
  const action = ACTIONS.find((known) => known.toLowerCase() === wanted);
  if (action === undefined) throw unreadable(`action: one of ${ACTIONS.join(', ')} was required`);
  return action;
}

function typeOf(value: unknown): EntityType {
  if (typeof value === 'string') return entityTypeOf(value);
  if (isObject(value) && typeof value['Custom'] === 'string') return { Custom: value['Custom'] };
  throw unreadable('entity_type: a name or {"Custom": name} was required');
}

function required(name: string, fields: Fields): string {
  const text = textOf(fields[name]);
  if (text === undefined || text === '') throw unreadable(`${name}: a text was required`);
  return text;
}

/** A number is read as its text; `undefined` for what is neither. */
function textOf(value: unknown, exactly: () => unknown = () => value): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return undefined;
  return String(Number.isSafeInteger(value) ? value : exactly());
}

function keysOf(
  fields: Fields,
  { exactFields, batchLengthMax = BATCH_LENGTH_MAX }: MessageLimits & Pick<Parsed, 'exactFields'>,
): readonly string[] {
  const keys = fields['entity_ids'];
  if (!Array.isArray(keys)) throw unreadable('entity_ids: a list of keys was required');
  if (keys.length > batchLengthMax) {
    throw unreadable(`entity_ids: at most ${batchLengthMax} were required, got ${keys.length}`);
  }
  return keys.map((key: unknown, index) => {
    const text = textOf(key, () => (exactFields()['entity_ids'] as unknown[])[index]);
    if (text === undefined) throw unreadable(`entity_ids: a text was required at ${index}`);
    return text;
  });
}

function metadataOf(value: unknown, limits: MessageLimits): Metadata | null {
  const { cascadeLengthMax = 1000, metadataDepthMax = 32 } = limits;
  if (!isObject(value)) return null;
  if (!isWithinDepth(value, metadataDepthMax)) {
    throw unreadable(`metadata: at most ${metadataDepthMax} levels were required, got more`);
  }
  const cascade = value['cascade'];
  if (Array.isArray(cascade) && cascade.length > cascadeLengthMax) {
    const got = cascade.length;
    throw unreadable(`metadata.cascade: at most ${cascadeLengthMax} were required, got ${got}`);
  }
  return value;
}

function isWithinDepth(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depthMax > 0 && Object.values(value).every((item) => isWithinDepth(item, depthMax - 1));
}

/** That it can be purged by, so that a message once accepted can always be applied. */
function checkMeaning({ action, entity_id, pattern, metadata }: InvalidationMessage): void {
  if (action === 'Pattern') {
    if (pattern === null) throw unreadable('pattern: a text was required');
    checkPattern('pattern', pattern);
  } else if (action !== 'Batch' && entity_id === null) {
    throw unreadable('entity_id: a text or a number was required');
  }
  for (const text of cascadeOf(metadata)) checkPattern('metadata.cascade', text);
}

/** The patterns of `metadata.cascade`; a member of that name in another form is not ours. */
export function cascadeOf(metadata: Metadata | null): readonly string[] {
  const cascade: unknown = metadata?.cascade;
  if (!Array.isArray(cascade)) return [];
  return cascade.filter((text: unknown) => typeof text === 'string');
}

function checkPattern(field: string, text: string): void {
  try {
    readPattern(text);
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    throw unreadable(`${field}: ${error.message.replace(/\.$/, '')}`);
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(reason: string): FreshetError {
  return fault('MESSAGE_INVALID', { reason });
}
