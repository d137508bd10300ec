/** Names and ends namespaces instead of machines. Ctrl-Alt-Del is the whole machine's: test/in-guest/os.test.ts. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';

const { power } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

/** Runs a module, with `power` at hand, as PID 1 of a namespace, and tells how that ended. */
async function asPid1(program: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  const source = `const { power } = (await import(${JSON.stringify(loader)})).loadNative(); ${program}`;
  const argv = ['--pid', '--fork', '--mount-proc', process.execPath, '--input-type=module', '-e', source];
  const child = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, output };
}

if (inNamespaces(import.meta.url, ['--uts'])) {
  t.test('sets the hostname', async (t) => {
    power.setHostname('node-1');
    t.equal(hostname(), 'node-1');
    power.setHostname('x'.repeat(64));
    t.equal(hostname(), 'x'.repeat(64));
    for (const name of ['', 'x'.repeat(65), 'ü'.repeat(33), 'a\0b']) {
      t.throws(() => power.setHostname(name), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    t.throws(() => power.setHostname(5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  t.test('syncs', async () => {
    await power.sync();
  });

  t.test('does nothing to a machine whose PID 1 it is not', async (t) => {
    const refused = { code: 'EPERM', message: /only PID 1/ };
    for (const command of ['restart', 'power-off', 'halt'] as const) t.throws(() => power.reboot(command), refused);
    t.throws(() => power.killAll('SIGTERM'), refused);
    t.throws(() => power.reboot('kexec' as never), { code: 'ERR_INVALID_ARG_VALUE' });
    t.throws(() => power.killAll('SIGNONE'), { code: 'ERR_INVALID_ARG_VALUE' });
    t.throws(() => power.killAll(15 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  t.test('PID 1 kills everything but itself', async (t) => {
    const { code, output } = await asPid1(`
      const { spawn } = await import('node:child_process');
      const children = [spawn('sleep', ['1000']), spawn('sleep', ['1000'])];
      const ends = children.map((child) => new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))));
      await Promise.all(children.map((child) => new Promise((resolve) => child.once('spawn', resolve))));
      power.killAll('SIGKILL');
      console.log((await Promise.all(ends)).join());
      power.killAll('SIGTERM');
      console.log('nobody left');
    `);
    t.equal(output, 'SIGKILL,SIGKILL\nnobody left\n');
    t.equal(code, 0);
  });

  t.test('PID 1 ends its machine', async (t) => {
    // reboot(2) in a PID namespace kills its init: by SIGHUP for a restart, by SIGINT for the other two.
    for (const [command, signal] of [
      ['restart', 'SIGHUP'],
      ['power-off', 'SIGINT'],
      ['halt', 'SIGINT'],
    ] as const) {
      const end = await asPid1(
        `power.reboot('${command}'); await new Promise((resolve) => setTimeout(resolve, 10_000));`,
      );
      t.equal(end.signal, signal, command);
    }
  });

  t.test('the addon itself refuses what the wrapper would', async (t) => {
    const program = `
      const { power } = (await import(${JSON.stringify(loader)})).loadNative();
      try { power.reboot('restart'); } catch (error) { console.log(error.code, error.errno, error.syscall); }`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    t.equal(output, 'EPERM -1 reboot\n');
  });
}
