/**
 * Refuses documents that would cost too much, each before the step that it would make expensive:
 * tokens and nesting before it is parsed, depth, aliases and fields before it is validated.
 * Fragments cannot walk round any of them.
 */
import {
  Lexer,
  NoFragmentCyclesRule,
  Source,
  TokenKind,
  validate,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import type { FreshetConfig } from '../config/config.ts';
import { countPairs, measureDocument } from './document-size.ts';
import { asGraphQLError, invalidRequest } from './refusal.ts';

export type DocumentLimitOptions = Pick<FreshetConfig['limits'],
  'depthMax' | 'aliasesMax' | 'tokensMax' | 'rootFieldsMax' | 'fieldsMax'>;

/**
 * Brackets inside brackets, in a document or in variables. Parsers and visitors call themselves
 * once a level: some thousand levels overflow the stack. More than twice the largest depthMax.
 */
const NESTING_MAX = 500;

/** Validation compares some hundred of these a millisecond, and does not stop in between. */
const PAIRS_MAX = 20_000;
const PAIRS = 'pairs of fields or fragments in one place';

export class DocumentLimits {
  readonly #limits: DocumentLimitOptions;

  constructor(limits: DocumentLimitOptions) {
    this.#limits = limits;
  }

  /** Throws DOCUMENT_LIMIT_EXCEEDED or REQUEST_INVALID. A syntax error is left to the parser. */
  checkText(text: string): void {
    const { tokensMax } = this.#limits;
    if (text.includes('\0')) throw invalidRequest('A document without NUL', 'one with NUL');
    const lexer = new Lexer(new Source(text));
    let [tokens, nesting, deepest] = [0, 0, 0];
    try {
      while (lexer.advance().kind !== TokenKind.EOF) {
        tokens += 1;
        nesting += NESTING[lexer.token.kind] ?? 0;
        deepest = Math.max(deepest, nesting);
        if (tokens > tokensMax || deepest > NESTING_MAX) break;
      }
    } catch {
      // No token: the parser comes to the same place, and says so better.
    }
    atMost('limits.tokensMax', tokensMax, tokens, 'more');
    atMost('nesting of brackets', NESTING_MAX, deepest, 'more');
  }

  /** Throws DOCUMENT_LIMIT_EXCEEDED where `variables` nest so deeply that no one can walk them. */
  checkVariables(variables: unknown): void {
    let level: unknown[] = [variables];
    for (let depth = 0; level.length > 0; depth += 1) {
      atMost('nesting of variables', NESTING_MAX, depth, 'more');
      level = level.flatMap((value): unknown[] =>
        typeof value === 'object' && value !== null ? Object.values(value) : []);
    }
  }

  /** What is wrong with a document that was parsed; nothing where it may be validated. */
  check(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const { depthMax, aliasesMax, rootFieldsMax, fieldsMax } = this.#limits;
    const size = measureDocument(document);
    if (size.cyclic) return validate(schema, document, [NoFragmentCyclesRule]);
    const excesses = [
      excess('limits.depthMax', depthMax, size.depth),
      excess('limits.aliasesMax', aliasesMax, size.aliases),
      excess('limits.rootFieldsMax', rootFieldsMax, size.rootFields),
      excess('limits.fieldsMax', fieldsMax, size.fields),
    ].filter((error) => error !== undefined);
    if (excesses.length > 0) return excesses.map(asGraphQLError);
    const pairs = countPairs(document, PAIRS_MAX);
    const tooMany = excess(PAIRS, PAIRS_MAX, pairs, 'more');
    return tooMany === undefined ? [] : [asGraphQLError(tooMany)];
  }
}

const NESTING: Readonly<Partial<Record<TokenKind, number>>> = {
  [TokenKind.BRACE_L]: 1,
  [TokenKind.BRACKET_L]: 1,
  [TokenKind.PAREN_L]: 1,
  [TokenKind.BRACE_R]: -1,
  [TokenKind.BRACKET_R]: -1,
  [TokenKind.PAREN_R]: -1,
};

function excess(
  limit: string,
  max: number,
  ...[got, shown = got]: [got: number, shown?: number | string]
): FreshetError | undefined {
  if (got <= max) return undefined;
  return fault('DOCUMENT_LIMIT_EXCEEDED', { limit, max, got: shown });
}

function atMost(...args: Parameters<typeof excess>): void {
  const error = excess(...args);
  if (error !== undefined) throw error;
}
