/** Threads that are terminated in the middle of a call: nothing can be made for JavaScript from then on, and the process goes on. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const run = promisify(execFile);
const loader = JSON.stringify(fileURLToPath(new URL('../../lib/native/index.js', import.meta.url)));
/** Each meets the call at some other place. */
const ROUNDS = 40;

/** What a thread does again and again. */
const calls: Record<string, string> = {
  'the mount table': 'mount.mountInfo();',
  'calls that hang': 'mount.blockedCalls();',
  descriptors: 'for (const end of descriptor.pipe()) end.close();',
  'statistics of groups': 'cgroup.stats([group]);',
  'a sampler': 'const sampler = cgroup.openSampler(); sampler.add(group); sampler.sample(); sampler.close();',
  'a timer': 'const timer = clock.createTimer(); timer.take(); timer.close();',
  'the kernel log': `const log = kmsg.openReader(kmsg.subscribe('start')); log.read(1000); log.close();`,
  'a monitor': 'netlink.monitorUevents({ onUevent() {}, onOverrun() {} }).close();',
  'a log': `
    const log = ring.create({ name: 'log', sizeBytes: 4096 });
    const reader = ring.openReader(log.subscribe());
    reader.close();
    log.close();`,
  'a channel': `
    const [one, other] = channel.pair();
    channel.open(one, { maxMessageBytes: 1 }, { onMessage() {}, onClose() {} }).close();
    other.close();`,
};

const program = (call: string) => `
  import { Worker } from 'node:worker_threads';
  const thread = \`
    import(${loader}).then(({ loadNative }) => {
      const { cgroup, channel, clock, descriptor, kmsg, mount, netlink, ring } = loadNative();
      // Any folder: a file that is not there has nothing to tell.
      const group = descriptor.open('/', 'r');
      require('node:worker_threads').parentPort.postMessage('begins');
      for (;;) { ${call} }
    });\`;
  for (let round = 0; round < ${ROUNDS}; round++) {
    const worker = new Worker(thread, { eval: true, execArgv: [] });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  console.log('goes on');`;

for (const [name, call] of Object.entries(calls)) {
  t.test(name, async (t) => {
    const argv = ['--input-type=module', '-e', program(call)];
    t.same(await run(process.execPath, argv), { stdout: 'goes on\n', stderr: '' });
  });
}
