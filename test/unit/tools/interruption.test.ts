/** npm test that is ended by a signal ends the nodes of its tests: their QEMU would run on, and nothing would know of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkout } from '../../helpers/checkout.js';

/** A test that has started a node, says so, and does not end. */
const TEST = `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync(process.env.TMPDIR + '/test/.talos/clusters/left', { recursive: true });
writeFileSync(process.env.SEEN + '/pid', String(process.pid));
writeFileSync(process.env.SEEN + '/started', '');
setInterval(() => {}, 1000);`;

/** Says with which cluster it was to do what. */
const OSCTL = `import { writeFileSync } from 'node:fs';
writeFileSync(process.env.SEEN + '/osctl', process.argv.slice(2).join(' ') + ' of ' + process.env.TALOS_HOME);`;

const GROUPS = `export const testEnvironment = (home) => ({ ...process.env, TMPDIR: home + '/tmp' });
const program = (name) => ({ name, argv: [process.execPath, process.env.SEEN + '/test.mjs'] });
const programs = () => [program('one'), program('two')];
export const groups = [{ name: 'vm', budgetSeconds: 60, atOnce: 1, timeoutSeconds: 60, needs: 'build', programs }];`;

/** A checkout whose build makes nothing, unless it never ends, and whose one group is that. */
function makeCheckout(t: Test, build: string): { folder: string; seen: string } {
  const folder = t.testdir({ checkout: { bin: {} }, seen: {}, tmp: {} });
  const [own, seen] = [join(folder, 'checkout'), join(folder, 'seen')];
  cpSync(join(checkout, 'tools'), join(own, 'tools'), { recursive: true });
  symlinkSync(join(checkout, 'node_modules'), join(own, 'node_modules'));
  writeFileSync(join(own, 'package.json'), '{"type": "module"}');
  writeFileSync(join(own, 'tools', 'lib', 'build.mjs'), `export const buildAll = async () => {${build}};`);
  writeFileSync(join(own, 'tools', 'lib', 'test-groups.mjs'), GROUPS);
  writeFileSync(join(own, 'bin', 'osctl'), OSCTL);
  writeFileSync(join(seen, 'test.mjs'), TEST);
  mkdirSync(join(own, 'out'));
  return { folder, seen };
}

/** Runs it until it has got as far as the file `started` tells, and sends it the signal. */
async function interrupted(folder: string, signal: NodeJS.Signals) {
  const seen = join(folder, 'seen');
  const watcher = watch(seen);
  const argv = [join(folder, 'checkout', 'tools', 'test.mjs')];
  const env = { ...process.env, SEEN: seen, TMPDIR: join(folder, 'tmp') };
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  while (!existsSync(join(seen, 'started'))) await once(watcher, 'change');
  watcher.close();
  child.kill(signal);
  const [code] = await once(child, 'close');
  return { code, said };
}

t.test('while a test runs', async (t) => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { folder, seen } = makeCheckout(t, '');
    const { code, said } = await interrupted(folder, signal);
    t.equal(code, exitCode, signal);
    t.match(readFileSync(join(seen, 'osctl'), 'utf8'), /^cluster destroy --name left of .*\/tmp\/test\/\.talos$/);
    t.same(readdirSync(join(folder, 'tmp')), [], 'nothing is left of its home');
    t.throws(() => process.kill(Number(readFileSync(join(seen, 'pid'), 'utf8')), 0), { code: 'ESRCH' });
    t.match(said, new RegExp(`one: 0 passed, 1 FAILED[\\s\\S]*ended by ${signal}[\\s\\S]*0 passed, 2 failed\n$`));
    t.notMatch(said, /two:/, 'no other was begun');
  }
});

t.test('while it builds', async (t) => {
  const build = `(await import('node:fs')).writeFileSync(process.env.SEEN + '/started', ''); await new Promise((go) => setTimeout(go, 60_000));`;
  const { folder } = makeCheckout(t, build);
  const { code, said } = await interrupted(folder, 'SIGTERM');
  t.equal(code, 143);
  t.same(readdirSync(join(folder, 'tmp')), []);
  t.match(said, /ended by SIGTERM\n0 passed, 1 failed\n$/);
});
