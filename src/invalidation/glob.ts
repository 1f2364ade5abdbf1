/**
 * Matches a text against `a*b*c`, where `*` stands for any characters, also none. The pieces
 * between the stars are looked for from left to right, each at its first place (if any choice
 * matches, the first one does), by Knuth, Morris and Pratt (SIAM J. Comput. 6, 1977): whatever
 * the pattern, no character of the text is looked at more often than a small constant.
 */

/** The matcher of a pattern that was split at its stars: `a*b` is `['a', 'b']`. */
export function globOf(pieces: readonly string[]): (text: string) => boolean {
  const [head = '', ...others] = pieces;
  const tail = others.pop();
  if (tail === undefined) return (text) => text === head;
  const middles = others.filter((piece) => piece !== '').map(finderOf);
  return (text) => {
    if (text.length < head.length + tail.length) return false;
    if (!text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let start = head.length;
    for (const find of middles) {
      start = find(text, start, end);
      if (start === -1) return false;
    }
    return true;
  };
}

/** Where the first occurrence within `text.slice(start, end)` ends; -1 where there is none. */
type Finder = (text: string, start: number, end: number) => number;

function finderOf(piece: string): Finder {
  const fallbacks = fallbacksOf(piece);
  return (text, start, end) => {
    let matched = 0;
    for (let at = start; at < end; at += 1) {
      const code = text.charCodeAt(at);
      while (matched > 0 && piece.charCodeAt(matched) !== code) {
        matched = fallbacks[matched - 1] as number;
      }
      if (piece.charCodeAt(matched) === code) matched += 1;
      if (matched === piece.length) return at + 1;
    }
    return -1;
  };
}

/** For each prefix of `piece`: the length of its longest proper prefix that is also its suffix. */
function fallbacksOf(piece: string): Int32Array {
  const fallbacks = new Int32Array(piece.length);
  let matched = 0;
  for (let at = 1; at < piece.length; at += 1) {
    while (matched > 0 && piece[matched] !== piece[at]) matched = fallbacks[matched - 1] as number;
    if (piece[matched] === piece[at]) matched += 1;
    fallbacks[at] = matched;
  }
  return fallbacks;
}
