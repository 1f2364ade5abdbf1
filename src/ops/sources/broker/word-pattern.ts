/**
 * Patterns of subjects (NATS) and routing keys (AMQP topic exchanges): words between dots, where
 * `*` is one word, `#` any number of them, and `>` in the end one or more.
 */
const ANY = '#';

/** Matches in time that is bounded by the product of both lengths. */
export class WordPattern {
  readonly #words: readonly string[];

  constructor(text: string) {
    const words = text.split('.');
    this.#words = words.at(-1) === '>' ? [...words.slice(0, -1), '*', ANY] : words;
  }

  matches(words: readonly string[]): boolean {
    const pattern = this.#words;
    let [at, next] = [0, 0];
    // Where the last `#` stands, and how many words it takes as far as is known.
    let [any, taken] = [-1, 0];
    while (at < words.length) {
      if (next < pattern.length && pattern[next] === ANY) {
        [any, taken] = [next, at];
        next += 1;
      } else if (next < pattern.length && (pattern[next] === '*' || pattern[next] === words[at])) {
        at += 1;
        next += 1;
      } else if (any >= 0) {
        taken += 1;
        [at, next] = [taken, any + 1];
      } else {
        return false;
      }
    }
    return pattern.slice(next).every((word) => word === ANY);
  }
}
