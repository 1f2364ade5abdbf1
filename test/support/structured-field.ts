/**
 * Reads an HTTP header that is a List of Structured Fields (RFC 8941, section 4.2.1) as strictly as
 * the RFC does, so that a test sees what any other reader would.
 */

export class Token {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type BareItem = string | number | boolean | Token;

export interface Item {
  readonly value: BareItem;
  readonly parameters: Readonly<Record<string, BareItem>>;
}

/** Throws where `text` is no such list. Inner lists and byte sequences are not read. */
export function parseList(text: string): readonly Item[] {
  const reader = new Reader(text);
  const items: Item[] = [];
  reader.skip(/ */y);
  while (!reader.atEnd) {
    items.push({ value: bareItem(reader), parameters: parameters(reader) });
    reader.skip(/[ \t]*/y);
    if (reader.atEnd) return items;
    reader.take(/,/y, 'a comma');
    reader.skip(/[ \t]*/y);
    if (reader.atEnd) throw new Error(`a comma at the end of ${text}`);
  }
  return items;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }

  take(pattern: RegExp, what: string): string {
    const found = this.skip(pattern);
    if (found === undefined) throw new Error(`${what} expected at ${this.#at} of ${this.#text}`);
    return found;
  }
}

function parameters(reader: Reader): Record<string, BareItem> {
  const found: Record<string, BareItem> = {};
  while (reader.skip(/; */y) !== undefined) {
    const key = reader.take(/[a-z*][a-z0-9_.*-]*/y, 'a key');
    found[key] = reader.skip(/=/y) === undefined ? true : bareItem(reader);
  }
  return found;
}

function bareItem(reader: Reader): BareItem {
  const number = reader.skip(/-?(\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y);
  if (number !== undefined) return Number(number);
  const quoted = reader.skip(/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y);
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
  const truth = reader.skip(/\?[01]/y);
  if (truth !== undefined) return truth === '?1';
  return new Token(reader.take(/[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y, 'an item'));
}
