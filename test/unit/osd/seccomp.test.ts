/** osd's system call filter, on a program that is confined as it is. That osd itself gets along with it, every test of its process shows. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { compileAddon } from '../../../lib/image/compile.js';
import { ALLOWED, FATAL, startFilter } from '../../../lib/server/seccomp.js';
import { checkout } from '../../helpers/checkout.js';
import { OsdNode } from './support/osd-node.js';
import { spawnLikeOsd } from './support/spawn-like-osd.js';

t.setTimeout(120_000);
const work = mkdtempSync(join(tmpdir(), 'osd-seccomp-'));
t.teardown(() => rmSync(work, { recursive: true }));
const addon = join(work, 'raw.node');
const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
await compileAddon(architecture, checkout, join(checkout, 'test/helpers/raw-syscall/raw_syscall.cc'), addon);

/** Number of every call, here; -1: another architecture's. */
const NUMBERS = new Map(
  [
    ...readFileSync(join(checkout, 'native/seccomp/syscall_table.inc'), 'utf8').matchAll(
      /^\{"(\w+)", (-?\d+), (-?\d+)\}/gm,
    ),
  ].map(([, name, onX86, onArm]) => [name as string, Number(architecture === 'arm64' ? onArm : onX86)]),
);

type Argument = string | number;

/** A text is passed as a pointer to it. */
function call(name: string, ...words: Argument[]): string[] {
  return [`${NUMBERS.get(name)}n`, ...words.map((word) => (typeof word === 'number' ? `${word}n` : word))];
}

async function run(calls: string[][]): Promise<{ results: number[]; end: string }> {
  const { child, output } = spawnLikeOsd('confined-process.js', { argv: [addon, JSON.stringify(calls)] });
  const status = await child.exited;
  const results = output()
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
  return { results, end: status.kind === 'exited' ? `exit ${status.code}` : status.signal };
}

const EPERM = -1;
const ENOSYS = -38;
const HERE = -100;

t.test('what Node and osd need works, what the rest of the list is for does not', async (t) => {
  const { child, output } = spawnLikeOsd('confined-process.js', { argv: [addon] });
  t.same(await child.exited, { kind: 'exited', code: 0 }, output());
  t.strictSame(output().trim().split('\n'), [
    'listen fine',
    'read fine',
    'stat fine',
    'figures fine',
    'write EPERM',
    'threads fine',
    'hash 2d711642',
    'garbage fine',
    'udp fine',
    'dns ENODATA',
    'listen again EPERM',
    'addresses true',
    'netlink 1',
    'third filter EPERM',
  ]);
});

t.test('refused: the call fails, the process goes on', async (t) => {
  const refused: Record<string, string[]> = {
    'a packet socket': call('socket', 17, 3, 0x300),
    'a netlink socket': call('socket', 16, 3, 0),
    'a unix socket': call('socket', 1, 1, 0),
    'a vsock socket': call('socket', 40, 1, 0),
    'a socket of the crypto API': call('socket', 38, 5, 0),
    'a raw socket': call('socket', 2, 3, 1),
    'a ping socket': call('socket', 2, 2, 1),
    'an outgoing TCP connection': call('socket', 2, 1, 0),
    'the same over IPv6': call('socket', 10, 0x8_0801, 0),
    'a socket pair': call('socketpair', 1, 1, 0),
    'a file to write': call('openat', HERE, '/tmp/never', 0o1),
    'a file to read and write': call('openat', HERE, '/dev/null', 0o2),
    'a new file': call('openat', HERE, '/tmp/never', 0o100, 0o600),
    'an emptied file': call('openat', HERE, '/tmp/never', 0o1000),
    'a file without a name': call('openat', HERE, '/tmp', 0o20200002, 0o600),
    'a file by openat2, to read': call('openat2', HERE, '/etc/passwd', '\0\0\0\0\0\0\0\0'.repeat(3), 24),
    'an executable mapping of a file': call('mmap', 0, 4096, 5, 2, 0, 0),
    io_uring: call('io_uring_setup', 1, '\0'.repeat(120)),
    'a signal to another process': call('kill', process.pid, 0),
    'a signal to a thread of another process': call('tgkill', process.pid, process.pid, 0),
    'a handle of another process': call('pidfd_open', process.pid, 0),
    'limits of another process': call('prlimit64', process.pid, 7, 0, '\0'.repeat(16)),
    'other limits of its own': call('prlimit64', 0, 7, '\0'.repeat(16), 0),
    'being dumpable': call('prctl', 4, 1),
    'input of a terminal': call('ioctl', 0, 0x5412, 'x'),
    'a removed file': call('unlinkat', HERE, '/tmp/never', 0),
    'a folder': call('mkdirat', HERE, '/tmp/never', 0o700),
    'another folder to be in': call('chdir', '/'),
    'a rename': call('renameat2', HERE, '/tmp/never', HERE, '/tmp/never2', 0),
    'other permissions': call('fchmodat', HERE, '/tmp/never', 0o777),
    inotify: call('inotify_init1', 0),
    'the kernel log': call('syslog', 3, '\0'.repeat(100), 100),
    'shared memory of System V': call('shmget', 0, 4096, 0o1600),
    Landlock: call('landlock_create_ruleset', 0, 0, 1),
    'one more filter': call('seccomp', 1, 0, '\0'.repeat(16)),
  };
  const { results, end } = await run(Object.values(refused));
  t.equal(end, 'exit 0');
  for (const [at, what] of Object.keys(refused).entries()) t.equal(results[at], EPERM, what);
  const { results: others } = await run([
    call('clone3', '\0'.repeat(88), 88),
    call('socket', 10, 2, 0),
    call('getpid'),
  ]);
  t.equal(others[0], ENOSYS, 'clone3: the C library takes clone');
  t.ok((others[1] as number) > 2, 'a UDP socket can be had');
});

t.test('an upper half of a register changes nothing', async (t) => {
  const upper = 2 ** 32;
  const { results } = await run([
    call('socket', upper + 16, 3, 0),
    call('openat', HERE, '/tmp/never', upper + 0o101, 0o600),
  ]);
  t.strictSame(results, [EPERM, EPERM]);
});

t.test('fatal: the process is over', async (t) => {
  const fatal: Record<string, string[]> = {
    execve: call('execve', '/bin/true', 0, 0),
    execveat: call('execveat', HERE, '/bin/true', 0, 0, 0),
    'a new process': call('clone', 17),
    'a thread with a namespace of its own': call('clone', 0x1_0f00 + 0x4000_0000),
    ptrace: call('ptrace', 0, 0, 0, 0),
    'memory of another process': call('process_vm_readv', process.pid, 0, 0, 0, 0, 0),
    mount: call('mount', 'none', '/tmp', 'tmpfs', 0, 0),
    'mount by fsopen': call('fsopen', 'tmpfs', 0),
    setns: call('setns', 0, 0),
    unshare: call('unshare', 0x1000_0000),
    bpf: call('bpf', 0, '\0'.repeat(120), 120),
    perf_event_open: call('perf_event_open', '\0'.repeat(120), 0, -1, -1, 0),
    io_uring_enter: call('io_uring_enter', 0, 0, 0, 0, 0, 0),
    keyctl: call('keyctl', 0, 0),
    userfaultfd: call('userfaultfd', 0),
    pidfd_getfd: call('pidfd_getfd', 0, 0, 0),
    reboot: call('reboot', 0, 0, 0, 0),
    setuid: call('setuid', 0),
  };
  for (const [what, words] of Object.entries(fatal)) {
    const { results, end } = await run([call('getpid'), words, call('getpid')]);
    t.equal(end, 'SIGSYS', what);
    t.equal(results.length, 1, 'nothing came after it');
  }
});

if (arch() === 'x64') {
  t.test('calls of x32 are no way around', async (t) => {
    t.equal((await run([['1073741863n']])).end, 'SIGSYS', 'getpid of x32');
  });
}

t.test('the lists', async (t) => {
  const allowed = ALLOWED.flatMap(({ syscalls }) => syscalls);
  const fatal = FATAL.flatMap(({ syscalls }) => syscalls);
  t.equal(new Set([...allowed, ...fatal]).size, allowed.length + fatal.length, 'each call is there once');
  for (const name of [...allowed, ...fatal]) t.ok(NUMBERS.has(name), `${name} is the name of a call`);
  const byArgument = startFilter(1)
    .rules.filter(({ where }) => where !== undefined)
    .flatMap(({ syscalls }) => syscalls);
  t.strictSame(
    byArgument.filter((name) => allowed.includes(name)),
    [],
    'none is allowed by arguments and anyway',
  );
});

t.test('osd does not start unconfined', async (t) => {
  const node = await OsdNode.start({ forbidden: [{ syscalls: ['seccomp'], action: { errno: 'EINVAL' } }] });
  t.same(await node.child.exited, { kind: 'exited', code: 1 });
  t.match(node.output, /EINVAL.*seccomp/);
  t.notMatch(node.output, /listening|no certificate/);
});
