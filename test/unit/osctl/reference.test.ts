/** The command reference, help texts and completion scripts: made from the commands, so that they cannot be behind them. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import t from 'tap';
import { clusterCommand } from '../../../lib/osctl/commands/cluster/index.js';
import { processIo } from '../../../lib/osctl/io.js';
import { createProgram } from '../../../lib/osctl/program.js';
import { commandReference } from '../../../lib/osctl/reference.js';
import { checkout } from '../../helpers/checkout.js';
import { OsctlHome } from './osctl-child.js';

const run = promisify(execFile);
const program = () => createProgram(processIo(), clusterCommand(processIo()));

function* commands(command: Command, path: string[] = []): Generator<{ path: string[]; command: Command }> {
  yield { path, command };
  for (const child of command.commands) yield* commands(child, [...path, child.name()]);
}

t.test('docs/osctl-reference.md is what the commands say', async (t) => {
  const text = await readFile(join(checkout, 'docs/osctl-reference.md'), 'utf8');
  t.ok(text === commandReference(program()), 'if not, run: node tools/osctl-reference.mjs');
  for (const { path } of commands(program())) t.ok(text.includes(`\n## ${['osctl', ...path].join(' ')}\n`));
});

t.test('every command has a description, and so has each of its options', async (t) => {
  for (const { path, command } of commands(program())) {
    const name = ['osctl', ...path].join(' ');
    t.not(command.description(), '', name);
    for (const option of command.options) t.not(option.description, '', `${name} ${option.flags}`);
  }
});

t.test('every command shows examples, and they are of that command', async (t) => {
  for (const section of commandReference(program()).split(/^## /m).slice(1)) {
    const name = section.slice(0, section.indexOf('\n'));
    if (/^Commands:$/m.test(section)) continue;
    const examples = /^Examples:\n((?: {2}.*\n)+)/m.exec(section)?.[1] ?? '';
    t.ok(examples.includes(name.slice('osctl '.length)), name);
  }
});

t.test('completion in a real bash', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const { stdout: script } = await home.run('completion', 'bash');
  const file = await home.write('completion', script);
  /** What bash offers when Tab is pressed behind the words. */
  const complete = async (...words: string[]): Promise<string[]> => {
    const shell = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _osctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['--norc', '-c', shell, file, ...words], { env: home.environment });
    return stdout.split('\n').filter((word) => word !== '');
  };
  for (const { path, command } of commands(program())) {
    const offered = await complete('osctl', ...path, '');
    const expected = [
      ...command.commands.map((child) => child.name()),
      ...command.options.flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long])),
    ];
    t.same(
      expected.filter((word) => !offered.includes(word)),
      [],
      `osctl ${path.join(' ')}`,
    );
  }
  t.same(await complete('osctl', 'dme'), ['dmesg']);
  t.same(await complete('osctl', '-n', '10.0.0.2', 'dmesg', '--lev'), ['--level'], 'behind a global flag');
  t.same(await complete('osctl', 'config', 'context'), ['context', 'contexts']);
});

t.test('the scripts are ones that their shells read', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await home.run('completion', shell);
    t.equal(code, 0);
    const words = new Set(stdout.split(/[\s'()]+/));
    for (const { path } of commands(program())) {
      const name = path.at(-1);
      if (name !== undefined) t.ok(words.has(name), `${shell}: ${path.join(' ')}`);
    }
    await writeFile(home.path(shell), stdout);
  }
  await run('bash', ['-n', home.path('bash')]);
  t.pass('bash');
});
