import { TalosError } from '../base/errors.js';

/** Something about a config text, with the place where it stands. */
export interface ConfigProblem {
  /** `machine.certSANs[0]`; empty when it is about the text as a whole, and the message goes on behind the name of that. */
  path: string;
  /** From 1; 0 when there is no place to point at. */
  line: number;
  message: string;
}

/** Problems that the message of an error spells out. */
const MAX_SHOWN = 30;
/** Letters of the name of a field; those of strangers may be as long as the text. */
const MAX_NAME = 100;

/** A config that cannot be used; `problems` has everything that was found, not only the first. */
export class ConfigError extends TalosError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], what = 'the machine config') {
    super('ERR_CONFIG_INVALID', messageOf(problems, what));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function messageOf(problems: readonly ConfigProblem[], what: string): string {
  const whole = problemOfAll(problems);
  if (whole !== undefined) return `${what} ${whole}`;
  const lines = problems.slice(0, MAX_SHOWN).map((problem) => `  ${formatProblem(problem)}`);
  if (problems.length > MAX_SHOWN) lines.push(`  and ${problems.length - MAX_SHOWN} more`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return `${what} has ${count}:\n${lines.join('\n')}`;
}

/** What is wrong with a text as a whole when nothing else is: `is larger than …`. */
export function problemOfAll(problems: readonly ConfigProblem[]): string | undefined {
  const [first] = problems;
  return problems.length === 1 && first?.line === 0 && first.path === '' ? first.message : undefined;
}

/** `line 12: machine.token: is missing` */
export function formatProblem(problem: ConfigProblem): string {
  return [problem.line > 0 ? `line ${problem.line}` : '', problem.path, problem.message]
    .filter((part) => part !== '')
    .join(': ');
}

function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}…`;
}

/** ['machine', 'certSANs', 0] → 'machine.certSANs[0]'. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += `${text === '' ? '' : '.'}${shortened(String(segment))}`;
  }
  return text;
}
