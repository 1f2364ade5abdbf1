/**
 * The same text in memory of its own, for what is held for long. V8 keeps a text that was put
 * together as its pieces, and one that was cut off with all of what it was cut from
 * (`ConsString` and `SlicedString` in string.h): two to three times the memory, and objects that
 * each collection of garbage has to visit.
 */
export function ownText(text: string): string {
  // What `join` gives was written anew.
  return text.length < 2 ? text : [text.slice(0, 1), text.slice(1)].join('');
}
