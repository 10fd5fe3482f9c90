import type { Command } from 'commander';
import { InvalidInput } from '../../../kit/errors.ts';

/** `crew completion <shell>`: made from the command tree, so it never lags behind. */
export async function completion(shell: string, program: Command): Promise<void> {
  const entries = tree(program, []);
  const scripts: Readonly<Record<string, () => string>> = {
    bash: () => bash(entries),
    zsh: () => zsh(entries),
    fish: () => fish(entries),
  };
  const script = scripts[shell];
  if (script === undefined) throw new InvalidInput(`there is no completion for '${shell}': choose bash, zsh or fish`);
  process.stdout.write(script());
}

interface Entry {
  readonly path: readonly string[];
  readonly words: readonly string[];
}

function tree(command: Command, path: readonly string[]): Entry[] {
  const options = command.options.flatMap((o) => (o.long === undefined ? [] : [o.long]));
  const globals = path.length === 0 ? [] : ['--config', '--data', '--json', '--log-level', '--help'];
  const words = [...command.commands.map((c) => c.name()), ...options, ...globals];
  return [{ path, words }, ...command.commands.flatMap((c) => tree(c, [...path, c.name()]))];
}

function bash(entries: readonly Entry[]): string {
  const cases = entries.map((e) => `    '${e.path.join(' ')}') words='${e.words.join(' ')}' ;;`).join('\n');
  return `_crew() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${cases}
    esac
    [ -n "$words" ] || [ -z "$path" ] && break
    case "$path" in *' '*) path="\${path% *}" ;; *) path='' ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _crew crew
`;
}

function zsh(entries: readonly Entry[]): string {
  return `#compdef crew\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const condition = path.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.at(-1) ?? ''}`;
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c crew -n '${condition}' -l ${word.slice(2)}`
        : `complete -c crew -f -n '${condition}' -a ${word}`,
    );
  });
  return `${lines.join('\n')}\n`;
}
