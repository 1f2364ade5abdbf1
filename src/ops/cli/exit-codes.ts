/** What the exit code of a command says, for all commands. docs/cli.md is made from this file. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  later: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'as asked',
  failed: 'it failed, or a check did',
  usage: 'the command line, the configuration or what was asked is at fault',
  unreachable: 'nobody answers where the node should be',
  refused: 'the node lets this token do nothing, or not that',
  later: 'the node cannot do it now: ask again, with the same --request-id',
};
