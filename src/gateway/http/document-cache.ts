/**
 * Documents that are kept parsed, so that what many ask is parsed and validated once. Bounded by
 * what they weigh in memory, which is tens of times the weight of their text; and what is not
 * valid is not kept, so that nobody can push out what is asked by asking nonsense.
 */
import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

const DOCUMENTS_MAX = 1_000;
const BYTES_MAX = 64 * 1024 * 1024;

/** Of the syntax tree, as measured: its nodes, and the tokens that they point to. */
const TOKEN_BYTES = 600;
const CHARACTER_BYTES = 2;

export class DocumentCache {
  readonly #documents = new LRUCache<string, DocumentNode>({
    max: DOCUMENTS_MAX,
    maxSize: BYTES_MAX,
    sizeCalculation: ({ tokenCount = 0 }, text) =>
      1 + tokenCount * TOKEN_BYTES + text.length * CHARACTER_BYTES,
  });

  /** For Yoga, which parses what is not in `documentCache`. It is to keep no errors at all. */
  get caches() {
    const nothing = { get: () => undefined, set: () => undefined };
    return { documentCache: this.#documents, errorCache: nothing };
  }

  /** Lets go of what turns out not to be valid. */
  get plugin(): Plugin {
    return {
      onValidate: () => ({ valid, context }) => {
        const text: unknown = (context as Asked).params?.query;
        if (!valid && typeof text === 'string') this.#documents.delete(text);
      },
    };
  }
}

/** Yoga does not say of what type this is. */
interface Asked {
  readonly params?: { readonly query?: unknown };
}
