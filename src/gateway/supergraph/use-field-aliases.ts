/** Puts `withoutFieldAliases` around the execution of a stitched schema. */
import type { Plugin } from 'graphql-yoga';
import { withoutFieldAliases } from './field-aliases.ts';

export const useFieldAliases: Plugin = {
  onExecute({ executeFn, setExecuteFn }) {
    setExecuteFn(withoutFieldAliases(executeFn));
  },
};
