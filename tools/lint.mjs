// npm run lint: format, the linter's rules, layers, and the rules of the house. With --write it mends what can be mended.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runMain } from './lib/failure.mjs';
import { checkKeys, checkLockFile, checkSignals, checkSourceList, checkUnfinished } from './lib/house-rules.mjs';
import { checkLayers, checkNativeLayers } from './lib/layering.mjs';
import { root } from './lib/paths.mjs';

/** The files of the checkout: tracked ones, and new ones that are not ignored. */
function checkoutFiles() {
  const argv = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { status, stdout, error } = spawnSync('git', argv, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error('git ls-files failed: lint needs a git checkout', { cause: error });
  return stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)));
}

/** Runs a linter that prints its own findings; returns a sentence when it found something. */
function external(name, argv) {
  const { status, error, stdout, stderr } = spawnSync(argv[0], argv.slice(1), {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) return [`${name}: ${argv[0]} cannot be run (${error.message})`];
  return status === 0 ? [] : [`${name}:\n${stdout}${stderr}`.trimEnd()];
}

/**
 * All checks by name; each gives a list of violations.
 * @param {string[]} files
 * @param {boolean} write
 * @returns {[string, () => string[]][]}
 */
function checks(files, write) {
  const cpp = files.filter((file) => /^(native|test)\/.*\.(cc|h)$/.test(file));
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  const biome = path.join(root, 'node_modules', '.bin', 'biome');
  return [
    ['biome', () => external('biome', [biome, 'check', '--error-on-warnings', ...(write ? ['--write'] : [])])],
    [
      'clang-format',
      () =>
        cpp.length === 0
          ? []
          : external('clang-format', ['clang-format', ...(write ? ['-i'] : ['--dry-run', '--Werror']), ...cpp]),
    ],
    ['types', () => external('types', [tsc, '-p', '.', '--noEmit', '--pretty', 'false'])],
    ['layers of lib', () => checkLayers(files, root)],
    ['layers of native', () => checkNativeLayers(files, root)],
    ['source list', () => checkSourceList(files, root)],
    ['lock file', () => checkLockFile(root)],
    ['unfinished work', () => checkUnfinished(files, root)],
    ['keys', () => checkKeys(files, root)],
    ['signals', () => checkSignals(files, root)],
  ];
}

await runMain(async () => {
  // With --tap the result is for the test runner.
  const tap = process.argv.includes('--tap');
  let failed = 0;
  const all = checks(checkoutFiles(), process.argv.includes('--write'));
  if (tap) process.stdout.write(`TAP version 14\n1..${all.length}\n`);
  for (const [index, [name, check]] of all.entries()) {
    const violations = check();
    if (violations.length > 0) failed++;
    const text = violations.join('\n');
    if (tap) process.stdout.write(`${violations.length > 0 ? 'not ' : ''}ok ${index + 1} - ${name}\n`);
    else process.stdout.write(`${name}: ${violations.length === 0 ? 'ok' : 'failed'}\n`);
    if (text) process.stdout.write(`${text.replaceAll(/^/gm, tap ? '# ' : '  ')}\n`);
  }
  return failed > 0 ? 1 : 0;
});
