/** Filters of system calls on real processes: before exec by spawn, and on a program itself. What programs they become is tested in C++. */
import { constants } from 'node:os';
import t from 'tap';
import type { SeccompFilter } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { QUIET, shell } from './collect.js';

const native = loadNative();
const { process: processes } = native;
const noMkdir = (action: SeccompFilter['defaultAction']): SeccompFilter => ({
  defaultAction: 'allow',
  rules: [{ syscalls: ['mkdir', 'mkdirat'], action }],
});
const quiet = { noNewPrivileges: true } as const;

processes.startReaper({ subreaper: false });

t.test('a call fails with the errno that the filter says', async (t) => {
  const script = 'mkdir /tmp/talos-never 2>&1; ls -d /tmp; grep -E "^Seccomp:|^NoNew" /proc/self/status';
  const { output } = await shell(native, script, {
    ...quiet,
    seccomp: noMkdir({ errno: 'ENOSPC' }),
    env: { LC_ALL: 'C' },
  });
  t.match(output, /No space left on device\n\/tmp\nNoNewPrivs:\t1\nSeccomp:\t2\n$/);
});

t.test('or kills the process', async (t) => {
  const options = { ...QUIET, ...quiet, file: '/bin/mkdir', argv: ['mkdir', '/tmp/talos-never'] };
  const limits = { rlimits: { core: { soft: 0, hard: 0 } } };
  const { exited } = processes.spawn({ ...options, ...limits, seccomp: noMkdir('kill-process') });
  t.same(await exited, { kind: 'signaled', signal: 'SIGSYS', coreDumped: false });
});

t.test('or is allowed and logged', async (t) => {
  const { output } = await shell(native, 'echo fine', { ...quiet, seccomp: { defaultAction: 'log', rules: [] } });
  t.equal(output, 'fine\n');
});

t.test('arguments are looked at', async (t) => {
  const signalSelf = (number: number) => `kill -${number} $$; echo survived`;
  const seccomp: SeccompFilter = {
    defaultAction: 'allow',
    rules: [
      {
        syscalls: ['kill', 'tgkill'],
        where: [{ argument: 1, operator: '==', value: constants.signals.SIGUSR1 }],
        action: { errno: 'EPERM' },
      },
    ],
  };
  t.equal((await shell(native, `${signalSelf(10)} 2>&1`, { ...quiet, seccomp, stderr: 'null' })).output, 'survived\n');
  t.equal((await shell(native, signalSelf(12), { ...quiet, seccomp })).output, '', 'another signal is delivered');
});

t.test('a list of what is allowed is enough to run a program', async (t) => {
  // More than a shell and a C library need, and no more than that; unknown to one architecture each: open, stat, …
  const seccomp: SeccompFilter = {
    defaultAction: { errno: 'EPERM' },
    rules: [
      {
        syscalls: [
          ...[
            'execve',
            'exit',
            'exit_group',
            'read',
            'write',
            'close',
            'open',
            'openat',
            'stat',
            'fstat',
            'newfstatat',
          ],
          ...['mmap', 'mprotect', 'munmap', 'brk', 'pread64', 'access', 'faccessat', 'arch_prctl', 'set_tid_address'],
          ...['set_robust_list', 'rseq', 'prlimit64', 'getrandom', 'getpid', 'getppid', 'getuid', 'geteuid', 'getgid'],
          ...['getegid', 'rt_sigaction', 'rt_sigprocmask', 'getcwd', 'fcntl', 'ioctl', 'futex'],
        ],
      },
    ],
  };
  const { output } = await shell(native, 'echo works; cd / || exit 1', { ...quiet, seccomp, stderr: 'null' });
  t.equal(output, 'works\n');
  const refused = await shell(native, 'cd / || echo refused', { ...quiet, seccomp, stderr: 'null' });
  t.equal(refused.output, 'refused\n', 'chdir is not on it');
});

t.test('without no_new_privs and without privileges it cannot be set', async (t) => {
  if (process.getuid?.() !== 0) return;
  const options = { ...QUIET, file: '/bin/true', seccomp: noMkdir('log') };
  t.throws(() => processes.spawn({ ...options, uid: 50, capabilities: [] }), { code: 'EACCES', stage: 'seccomp' });
  t.same(await processes.spawn(options).exited, { kind: 'exited', code: 0 }, 'root may');
});

/** Runs a program in a Node of its own, with `processes` and `filter` at hand, and gives what it printed. */
async function inOtherProcess(program: string): Promise<string> {
  const index = new URL('../../lib/native/index.js', import.meta.url).href;
  const source = `const { loadNative } = await import(${JSON.stringify(index)});
    const { process: processes } = loadNative();
    const fs = await import('node:fs/promises');
    const denied = (call) => call.then(() => 'allowed', ({ code }) => code);
    ${program}`;
  const argv = ['node', '--input-type=module', '-e', source];
  const { output } = await shell(native, '', { file: process.execPath, argv });
  return output;
}

t.test('a program restricts itself: threads that are there, threads that come, children', async (t) => {
  const output = await inOtherProcess(`
    const { Worker } = await import('node:worker_threads');
    const { execFileSync } = await import('node:child_process');
    // Every thread of the pool is there before.
    await Promise.all(Array.from({ length: 8 }, () => fs.stat('/')));
    processes.installSeccomp({ defaultAction: 'allow', rules: [
      { syscalls: ['mkdir', 'mkdirat'], action: { errno: 'EACCES' } }] });
    console.log(await Promise.all(Array.from({ length: 8 }, () => denied(fs.mkdir('/tmp/talos-never')))));
    const code = "require('fs').mkdir('/tmp/talos-never', (error) => require('worker_threads').parentPort.postMessage(error.code))";
    const worker = new Worker(code, { eval: true, execArgv: [] });
    // To its end, or its thread could go while the threads are looked at.
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    console.log(await new Promise((resolve) => worker.once('message', resolve)));
    await ended;
    console.log(execFileSync('/bin/sh', ['-c', 'mkdir /tmp/talos-never 2>/dev/null; echo $?'], { encoding: 'utf8' }).trim());
    const threads = await fs.readdir('/proc/self/task');
    const states = await Promise.all(threads.map((id) => fs.readFile('/proc/self/task/' + id + '/status', 'utf8')));
    console.log(states.every((text) => /^Seccomp:\\t2$/m.test(text) && /^NoNewPrivs:\\t1$/m.test(text)), states.length > 4);`);
  t.equal(output.replaceAll(/\s+/g, ' '), `[ ${Array(8).fill("'EACCES'").join(', ')} ] EACCES 1 true true `);
});

t.test('exec is forbidden by a program to itself', async (t) => {
  const output = await inOtherProcess(`
    const { spawnSync } = await import('node:child_process');
    processes.installSeccomp({ defaultAction: 'allow', rules: [{ syscalls: ['execve', 'execveat'], action: { errno: 'EPERM' } }] });
    console.log(spawnSync('/bin/true').error.code);`);
  t.equal(output, 'EPERM\n');
});

t.test('two filters: the stricter counts', async (t) => {
  const output = await inOtherProcess(`
    processes.installSeccomp({ defaultAction: 'allow', rules: [{ syscalls: ['mkdir', 'mkdirat'], action: { errno: 'EACCES' } }] });
    processes.installSeccomp({ defaultAction: 'allow', rules: [{ syscalls: ['rmdir', 'unlinkat'], action: { errno: 'EIO' } }] });
    console.log(await denied(fs.mkdir('/tmp/talos-never')), await denied(fs.rmdir('/tmp/talos-never')));`);
  t.equal(output, 'EACCES EIO\n');
});

t.test('wrong filters are TypeErrors, and nothing is installed', async (t) => {
  const rule = (where: unknown) => ({ defaultAction: 'allow', rules: [{ syscalls: ['read'], where }] });
  const compare = (change: object) => rule([{ argument: 0, operator: '==', value: 1, ...change }]);
  for (const [name, filter] of Object.entries({
    nothing: undefined,
    action: { defaultAction: 'forbid', rules: [] },
    errno: { defaultAction: { errno: 'ENOPE' }, rules: [] },
    rules: { defaultAction: 'allow' },
    name: { defaultAction: 'allow', rules: [{ syscalls: ['raed'] }] },
    names: { defaultAction: 'allow', rules: [{ syscalls: 'read' }] },
    number: { defaultAction: 'allow', rules: [{ syscalls: [0] }] },
    argument: compare({ argument: 6 }),
    operator: compare({ operator: '~' }),
    value: compare({ value: -1 }),
    wide: compare({ value: 1n << 64n }),
    mask: compare({ operator: 'masked', value: 3, mask: 1 }),
    comparisons: rule(Array(17).fill({ argument: 0, operator: '==', value: 1 })),
    size: { defaultAction: 'allow', rules: Array(4096).fill(compare({}).rules[0]) },
  })) {
    const expected = { name: 'TypeError', code: /^ERR_INVALID_ARG/ };
    t.throws(() => processes.installSeccomp(filter as never), expected, name);
    if (filter !== undefined) {
      t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true', seccomp: filter as never }), expected, name);
    }
  }
  const forbidsExec: SeccompFilter = { defaultAction: 'kill-process', rules: [{ syscalls: ['read'] }] };
  t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true', seccomp: forbidsExec }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
  t.same(await processes.spawn({ ...QUIET, file: '/bin/true' }).exited, { kind: 'exited', code: 0 });
});
