/** Command lines of benchmarks that ask for help, or for what there is not. Nothing is measured. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { checkout } from '../../helpers/checkout.js';

const names = readdirSync(join(checkout, 'benchmarks'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

function run(...argv: string[]) {
  return spawnSync(process.execPath, argv, { cwd: checkout, encoding: 'utf8' });
}

t.test('each says what it asks and how it is called', (t) => {
  t.ok(names.length > 10);
  for (const name of names) {
    const { status, stdout, stderr } = run('tools/bench.mjs', name, '--help');
    t.same([status, stderr], [0, '']);
    t.match(stdout, new RegExp(`Usage: npm run bench -- ${name}\\b`));
  }
  t.end();
});

t.test('an option that there is not is one sentence, and the way to the others', (t) => {
  for (const [name, option, why] of [
    ['follow', '--nope', /^follow: Unknown option '--nope'/],
    ['api', '--calls=none', /^api: --calls takes a whole number above 0, not "none"\n/],
    ['follow', '--lines=1e3', /^follow: --lines takes a whole number above 0, not "1e3"\n/],
  ] as const) {
    const { status, stderr } = run(`out/js/benchmarks/${name}.js`, option);
    t.equal(status, 2);
    t.match(stderr, why);
    t.match(stderr, new RegExp(`see npm run bench -- ${name} --help\n$`));
    t.equal(stderr.trimEnd().split('\n').length, 2, stderr);
  }
  t.end();
});
