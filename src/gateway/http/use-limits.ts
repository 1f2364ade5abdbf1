/** Puts the limits on documents into Yoga, in front of its parser and its validation. */
import type { DocumentNode, GraphQLError, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { FreshetError } from '../../invalidation/errors.ts';
import { DocumentLimits, type DocumentLimitOptions } from './document-limits.ts';
import { asGraphQLError } from './refusal.ts';

export function useLimits(options: DocumentLimitOptions): Plugin {
  const limits = new DocumentLimits(options);
  const checked = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  return {
    onParams({ params }) {
      refusing(() => limits.checkVariables(params.variables));
    },
    onParse({ params, parseFn, setParseFn }) {
      const text = String(params.source);
      let refused: GraphQLError | undefined;
      // Only called for a text that is not among those that were parsed before.
      setParseFn((source, parseOptions) => {
        try {
          refusing(() => limits.checkText(text));
        } catch (error) {
          refused = error as GraphQLError;
          throw error;
        }
        return parseFn(source, parseOptions) as DocumentNode;
      });
      return () => {
        // Past Yoga, which would answer 200 for whatever its parser throws.
        if (refused !== undefined) throw refused;
      };
    },
    onValidate({ params, setResult }) {
      const { schema, documentAST: document } = params as Validated;
      let errors = checked.get(document);
      if (errors === undefined) {
        errors = limits.check(schema, document);
        checked.set(document, errors);
      }
      if (errors.length > 0) setResult([...errors]);
    },
  };
}

/** Yoga does not say of what type these are. */
interface Validated {
  readonly schema: GraphQLSchema;
  readonly documentAST: DocumentNode;
}

/** Runs `check`; what it refuses becomes an error that Yoga shows to the client. */
function refusing(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof FreshetError ? asGraphQLError(error) : error;
  }
}
