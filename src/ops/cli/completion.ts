/** `freshet completion`: what a shell needs to complete commands, flags and their choices. */
import type { Command, Flag } from './command.ts';
import { EXIT } from './exit-codes.ts';

const SHELLS = { bash: bashOf, zsh: zshOf, fish: fishOf } as const;

/** `commands`: all there are, this one too. */
export function completionOf(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print what a shell needs to complete this command line',
    argument: {
      name: 'SHELL', choices: Object.keys(SHELLS), description: Object.keys(SHELLS).join(', '),
    },
    flags: [],
    examples: [
      'freshet completion bash > ~/.local/share/bash-completion/completions/freshet',
      "freshet completion zsh > ~/.zfunc/_freshet    # with fpath+=~/.zfunc before compinit",
      'freshet completion fish > ~/.config/fish/completions/freshet.fish',
    ],
    run: async (_values, { print }, [shell = '']) => {
      print(SHELLS[shell as keyof typeof SHELLS](commands()));
      return EXIT.done;
    },
  };
}

/** Values that are names of files. */
function isFile({ value = '' }: Flag): boolean {
  return value.includes('FILE');
}

function wordsOf({ flags, argument }: Command): string {
  return [...flags.map(({ name }) => `--${name}`), '--help', ...argument?.choices ?? []].join(' ');
}

function bashOf(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const perCommand = commands
    .map((command) => `    ${command.name}) words='${wordsOf(command)}' ;;`);
  const perValue = commands.flatMap(({ name, flags }) => flags
    .filter(({ value }) => value !== undefined)
    .map((flag) => `    ${name}:--${flag.name}) ${bashValues(flag)} ;;`));
  return `# bash completion for freshet
_freshet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${names} help --help --version' -- "$current"))
    return
  fi
  case "$command:$previous" in
${perValue.join('\n')}
  esac
  case "$command" in
    help) words='${names}' ;;
${perCommand.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _freshet freshet
`;
}

function bashValues(flag: Flag): string {
  if (flag.choices !== undefined) {
    return `COMPREPLY=($(compgen -W '${flag.choices.join(' ')}' -- "$current")); return`;
  }
  return isFile(flag) ? 'COMPREPLY=($(compgen -f -- "$current")); return' : 'return';
}

function zshOf(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, flags, argument }) => {
    const specs = [
      ...flags.map(zshFlag),
      quote('--help[show its help]'),
      ...(argument?.choices ? [quote(`1:${argument.name}:(${argument.choices.join(' ')})`)] : []),
    ];
    return `    ${name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef freshet
_freshet() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT -= 1 ))
  case "$command" in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _freshet ]; then _freshet "$@"; else compdef _freshet freshet; fi
`;
}

function zshFlag(flag: Flag): string {
  const { name, value, multiple, choices, description } = flag;
  const about = description.replace(/[\\:[\]]/g, '\\$&');
  const action = choices === undefined ? (isFile(flag) ? '_files' : ' ') : `(${choices.join(' ')})`;
  const values = value === undefined ? '' : `:${value.replaceAll(':', '\\:')}:${action}`;
  return quote(`${multiple === true ? '*' : ''}--${name}[${about}]${values}`);
}

function fishOf(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, flags, argument }) => {
    const here = `complete -c freshet -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c freshet -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
      `${here} -l help -d ${quote('show its help')}`,
      ...(argument?.choices ? [`${here} -f -a ${quote(argument.choices.join(' '))}`] : []),
      ...flags.map((flag) => `${here} ${fishFlag(flag)}`),
    ];
  });
  return `# fish completion for freshet\n${lines.join('\n')}\n`;
}

function fishFlag(flag: Flag): string {
  const { name, value, choices, description } = flag;
  const values = choices === undefined ? '' : ` -f -a ${quote(choices.join(' '))}`;
  const required = value === undefined ? ' -f' : ` -r${isFile(flag) ? ' -F' : values || ' -f'}`;
  return `-l ${name}${required} -d ${quote(description)}`;
}

/** For all three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
