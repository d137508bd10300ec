/**
 * Completion scripts, made from the command tree itself. They complete words and flags without starting osctl, so a key press costs
 * nothing.
 */
import type { Command } from 'commander';

/** A command, by the words that lead to it, with what may follow. */
interface Place {
  path: string;
  words: string[];
}

/** @param replacements  commands that the tree only has stand-ins for */
export function completionScript(
  shell: 'bash' | 'zsh' | 'fish',
  program: Command,
  replacements: readonly Command[],
): string {
  const places = [...walk(program, '', replacements)];
  switch (shell) {
    case 'bash':
      return bash(places);
    case 'zsh':
      // zsh runs bash's completions once it is told to.
      return `#compdef osctl\nautoload -U +X bashcompinit && bashcompinit\n${bash(places)}`;
    case 'fish':
      return fish(places);
  }
}

function* walk(command: Command, path: string, replacements: readonly Command[]): Generator<Place> {
  const children = command.commands.map(
    (child) => replacements.find((other) => other.name() === child.name()) ?? child,
  );
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const flags = command.options
    .filter((option) => !option.hidden || isGlobal(option.long))
    .map((option) => option.long ?? option.short ?? '');
  yield { path, words: [...new Set([...children.map((child) => child.name()), ...choices, ...flags, '--help'])] };
  for (const child of children) {
    for (const name of [child.name(), ...child.aliases()])
      yield* walk(child, path === '' ? name : `${path} ${name}`, replacements);
  }
}

const GLOBAL = new Set(['--nodes', '--endpoints', '--context', '--talosconfig', '--output', '--timeout']);

function isGlobal(long: string | undefined): boolean {
  return long !== undefined && GLOBAL.has(long);
}

function bash(places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `_osctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' words='' word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case "$word" in -*) continue ;; esac
    case " ${paths(places)} " in *" \${path:+$path/}$word "*) path=\${path:+$path/}$word ;; esac
  done
  case "\${path//\\// }" in
${cases.join('\n')}
  esac
  if [[ $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _osctl osctl
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c osctl -n '${condition}' -l '${word.slice(2)}'`
        : `complete -c osctl -f -n '${condition}' -a '${word}'`,
    );
  });
  return `${lines.join('\n')}\n`;
}

function paths(places: readonly Place[]): string {
  return places.flatMap(({ path }) => (path === '' ? [] : path.replaceAll(' ', '/'))).join(' ');
}
