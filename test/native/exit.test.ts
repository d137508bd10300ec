/** How a process ends that still has native things open: at once, with its own exit code, and without a crash. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { QUIET } from './collect.js';

const native = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

native.process.startReaper({ subreaper: false });

const SETUP = `
  const { loadNative } = await import(${JSON.stringify(loader)});
  const { descriptor, process: processes, ring, channel } = loadNative();
  processes.startReaper({ subreaper: false });
  const log = ring.create({ name: 'exit', sizeBytes: 65536 });
  const [read, write] = descriptor.pipe();
  log.attach(read, 'stdout');
  const reader = ring.openReader(log.subscribe());
  const sleeper = () => processes.spawn({
    file: '/bin/sleep', argv: ['sleep', '0.2'], env: {}, stdin: 'null', stdout: 'null', stderr: 'null' });
  const quiet = { onMessage() {}, onClose() {} };
  const openChannel = (handlers = quiet) => {
    const [one, two] = channel.pair();
    return [channel.open(one, { maxMessageBytes: 10 }, quiet), channel.open(two, { maxMessageBytes: 10 }, handlers)];
  };
  const say = (text) => log.write(text);`;

async function run(script: string): Promise<unknown> {
  const argv = ['node', '--input-type=module', '-e', `${SETUP}\n${script}`];
  return native.process.spawn({ ...QUIET, file: process.execPath, argv, stderr: 'null' }).exited;
}

const exited = (code: number) => ({ kind: 'exited', code });

t.test('rings, readers and attached pipes do not keep a process alive', async (t) => {
  t.same(await run('process.exitCode = 4;'), exited(4));
});

t.test('a child, a pending wait and an open channel do', async (t) => {
  t.same(await run('sleeper().exited.then(() => { process.exitCode = 5; });'), exited(5));
  t.same(
    await run('reader.wait().then(() => { process.exitCode = 6; }); setTimeout(() => log.write("x"), 50).unref();'),
    exited(6),
  );
  t.same(
    await run(`
      const [one] = openChannel({ onMessage() {}, onClose() { process.exitCode = 7; } });
      setTimeout(() => one.close(), 50).unref();`),
    exited(7),
  );
});

t.test('a watch of a group does, until it is closed', async (t) => {
  const root = native.mount.mountInfo().find(({ fstype }) => fstype === 'cgroup2')?.mountPoint ?? '/sys/fs/cgroup';
  const name = `talos-test-exit-${process.pid}`;
  const open = `
    const group = loadNative().cgroup.create(${JSON.stringify(root)}, ${JSON.stringify(name)});
    const watch = loadNative().cgroup.watchEvents(group, 'cgroup.events', { onChange() {} });`;
  t.same(await run(`${open} setTimeout(() => { process.exitCode = 10; watch.close(); }, 50).unref();`), exited(10));
  t.same(await run(`${open} setTimeout(() => process.exit(11), 50);`), exited(11));
  t.same(
    await run(`
      const { Worker } = await import('node:worker_threads');
      const worker = new Worker(\`import(${JSON.stringify(loader)}).then(({ loadNative }) => {
        ${open}
        require('node:worker_threads').parentPort.postMessage('open');
      })\`, { eval: true, execArgv: [] });
      worker.once('message', async () => { await worker.terminate(); process.exitCode = 12; });`),
    exited(12),
    'nor does the end of a worker need one',
  );
  native.cgroup.remove(root, name);
});

t.test('process.exit ends all of it at once', async (t) => {
  t.same(
    await run(`
      sleeper(); openChannel(); reader.wait(); log.drained();
      setTimeout(() => process.exit(8), 20);`),
    exited(8),
  );
});

t.test('what a handler throws is an uncaught exception', async (t) => {
  t.same(
    await run(`
      process.on('uncaughtException', (error) => process.exit(error.message === 'mine' ? 9 : 1));
      const [one] = openChannel({ onMessage() { throw new Error('mine'); }, onClose() {} });
      one.send(Buffer.from('x'));`),
    exited(9),
  );
});
