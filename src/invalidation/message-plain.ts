/**
 * The JSON of most messages: one entity, the nine fields in their order, nothing beside, and no
 * character that has to be escaped. It is read and written at a fraction of the cost of JSON.
 *
 * It promises: what is read is what JSON would give, and what is written is what JSON would write;
 * of anything else it says nothing, and it is left to JSON.
 */

export interface PlainFields {
  readonly message_id: string;
  readonly entity_type: string | { readonly Custom: string };
  readonly entity_id: string;
  readonly action: 'Delete' | 'Update';
  readonly timestamp: string;
  readonly source_service: string;
}

/** Printable ASCII, but for the quote and the backslash. */
const TEXT = '[ !#-[\\]-~]';
const PLAIN_TEXT = new RegExp(`^${TEXT}*$`);
const PLAIN_MESSAGE = new RegExp(
  `\\{"message_id":"(${TEXT}+)","entity_type":(?:"(${TEXT}*)"|\\{"Custom":"(${TEXT}*)"\\}),`
  + `"entity_id":"(${TEXT}*)","pattern":null,"entity_ids":null,"action":"(Delete|Update)",`
  + `"timestamp":"(${TEXT}+)","source_service":"(${TEXT}+)","metadata":null\\}`, 'y');

/** Undefined for anything but one plain message. */
export function readPlain(text: string): PlainFields | undefined {
  const fields = plainAt(text, 0);
  return PLAIN_MESSAGE.lastIndex === text.length ? fields : undefined;
}

/** Undefined for anything but an array of plain messages. */
export function readPlains(text: string): readonly PlainFields[] | undefined {
  const all: PlainFields[] = [];
  for (let at = 0; at < text.length - 1; at = PLAIN_MESSAGE.lastIndex) {
    if (text[at] !== (at === 0 ? '[' : ',')) return undefined;
    const fields = plainAt(text, at + 1);
    if (fields === undefined) return undefined;
    all.push(fields);
  }
  return text.endsWith(']') && all.length > 0 ? all : undefined;
}

/** Undefined for a message that is not plain. */
export function writePlain(message: { readonly [Name in keyof PlainFields]: unknown } & {
  readonly pattern: unknown;
  readonly entity_ids: unknown;
  readonly metadata: unknown;
}): string | undefined {
  if (message.metadata !== null || message.pattern !== null || message.entity_ids !== null) {
    return undefined;
  }
  const { message_id, entity_type: type, entity_id, action, timestamp, source_service } = message;
  const isCustom = typeof type === 'object' && type !== null && 'Custom' in type;
  const name: unknown = isCustom ? type.Custom : type;
  const isPlain = isPlainText(message_id) && isPlainText(name) && isPlainText(entity_id)
    && isPlainText(action) && isPlainText(timestamp) && isPlainText(source_service);
  if (!isPlain) return undefined;
  const written = isCustom ? `{"Custom":"${name}"}` : `"${name}"`;
  return `{"message_id":"${message_id}","entity_type":${written},"entity_id":"${entity_id}",`
    + `"pattern":null,"entity_ids":null,"action":"${action}","timestamp":"${timestamp}",`
    + `"source_service":"${source_service}","metadata":null}`;
}

function plainAt(text: string, at: number): PlainFields | undefined {
  PLAIN_MESSAGE.lastIndex = at;
  const match = PLAIN_MESSAGE.exec(text);
  if (match === null) return undefined;
  const [, message_id, name, custom, entity_id, action, timestamp, source_service] = match;
  const entity_type = custom === undefined ? name : { Custom: custom };
  return {
    message_id, entity_type, entity_id, action, timestamp, source_service,
  } as PlainFields;
}

function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && PLAIN_TEXT.test(value);
}
