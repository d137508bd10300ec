import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { QUIET, readAll, shell } from './collect.js';
import { openDescriptors } from './open-descriptors.js';

const native = loadNative();
const { descriptor, process: processes } = native;
const isRoot = process.getuid?.() === 0;

t.test('before the reaper is started', async (t) => {
  t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true' }), { code: 'EINVAL', syscall: 'spawn' });
  t.same(processes.reaperStats(), { childrenReaped: 0, orphansReaped: 0 });
  processes.startReaper({ subreaper: false });
  t.throws(() => processes.startReaper({ subreaper: false }), { code: 'EALREADY' });
});

t.test('every exit code', async (t) => {
  const children = Array.from({ length: 256 }, (_, code) =>
    processes.spawn({ ...QUIET, file: '/bin/sh', argv: ['sh', '-c', `exit ${code}`] }),
  );
  const statuses = await Promise.all(children.map(({ exited }) => exited));
  t.same(
    statuses,
    statuses.map((_, code) => ({ kind: 'exited', code })),
  );
  t.equal(new Set(children.map(({ pid }) => pid)).size, 256);
});

t.test('every signal that ends a process', async (t) => {
  const harmless = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);
  const noCore = { core: { soft: 0, hard: 0 } };
  const seen = new Set<number>();
  for (const [name, number] of Object.entries(constants.signals)) {
    if (harmless.has(name) || seen.has(number)) continue;
    seen.add(number);
    const child = processes.spawn({ ...QUIET, file: '/bin/sleep', argv: ['sleep', '100'], rlimits: noCore });
    t.equal(child.kill(name), true, name);
    t.same(await child.exited, { kind: 'signaled', signal: name, coreDumped: false });
    t.equal(child.kill(name), false, 'it is gone');
  }
  t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true' }).kill('SIGNOPE'), { code: 'ERR_INVALID_ARG_VALUE' });
});

t.test('a failing step of the child is told by stage, code and the file', async (t) => {
  const before = openDescriptors();
  const far = 1_000_000;
  const limits = { soft: 2, hard: 1 };
  const cases = [
    ['exec', 'ENOENT', { file: '/nonexistent/program' }],
    ['exec', 'EACCES', { file: '/etc/passwd' }],
    ['cwd', 'ENOENT', { file: '/bin/true', cwd: '/nonexistent' }],
    ['cwd', 'ENOTDIR', { file: '/bin/true', cwd: '/etc/passwd' }],
    ['rlimits', 'EINVAL', { file: '/bin/true', rlimits: { nofile: limits } }],
    ['groups', isRoot ? 'EINVAL' : 'EPERM', { file: '/bin/true', gid: 1, groups: Array(70_000).fill(far) }],
  ] as const;
  for (const [stage, code, options] of cases) {
    t.throws(
      () => processes.spawn({ ...QUIET, ...options, ...('groups' in options ? { groups: [...options.groups] } : {}) }),
      {
        name: 'Error',
        code,
        errno: -constants.errno[code],
        syscall: 'spawn',
        path: options.file,
        stage,
        message: new RegExp(`^${code}: .*, spawn '${options.file}' \\(${stage}\\)$`),
      },
      `${stage} ${code}`,
    );
  }
  const folder = descriptor.open('/', 'r');
  t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true', cgroup: folder }), {
    syscall: 'clone3',
    code: 'EBADF',
  });
  folder.close();
  t.equal(openDescriptors(), before);
});

t.test('arguments, environment, folder and streams are what was asked for', async (t) => {
  const script = 'echo "$0|$1|$FIRST|$2"; env | grep -c =; pwd; cat; echo problem >&2';
  const [stdin, input] = descriptor.pipe();
  const [errors, stderr] = descriptor.pipe();
  input.close();
  const options = {
    file: '/bin/sh',
    argv: ['sh', '-c', script, 'zero', 'öne', 'two  words'],
    env: { FIRST: 'value = with =', PATH: '/usr/bin:/bin' },
    cwd: '/usr',
    stdin,
    stderr,
  };
  const running = shell(native, script, options);
  stdin.close();
  stderr.close();
  const { output } = await running;
  const [line, , cwd] = output.split('\n');
  t.equal(line, 'zero|öne|value = with =|two  words');
  t.equal(cwd, '/usr');
  t.equal(await readAll(native, errors), 'problem\n');
});

t.test('descriptors become 3, 4, … in their order, and nothing else is passed on', async (t) => {
  const pipes = [descriptor.pipe(), descriptor.pipe(), descriptor.pipe()] as const;
  const leak = descriptor.open('/dev/null', 'r');
  // The numbers of the sources lie among those of the targets, and in the opposite order.
  const writers = pipes.map(([, write]) => write).reverse();
  const script = 'echo three >&3; echo four >&4; echo five >&5; for f in /proc/self/fd/*; do echo "${f##*/}"; done';
  const { output } = await shell(native, script, { descriptors: writers });
  // The shell itself opens the folder it expands.
  t.match(output, /^0\n1\n2\n3\n4\n5\n(\d+\n)?$/);
  for (const writer of writers) writer.close();
  t.same(await Promise.all(pipes.map(([read]) => readAll(native, read))), ['five\n', 'four\n', 'three\n']);
  leak.close();
});

t.test('signals are as at the beginning of a process', async (t) => {
  // Node ignores SIGPIPE; a child that inherits that misbehaves in every pipeline.
  const { output } = await shell(native, 'grep -E "^Sig(Blk|Ign)" /proc/self/status');
  t.equal(output.replaceAll('\t', ' '), 'SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n');
});

t.test('session, limits and the score of the OOM killer', async (t) => {
  const { output, child } = await shell(
    native,
    'cut -d" " -f5,6 /proc/$$/stat; cat /proc/self/oom_score_adj; ulimit -n; ulimit -c',
    { session: true, oomScoreAdj: 321, rlimits: { nofile: { soft: 77, hard: 99 }, core: { soft: 0, hard: -1 } } },
  );
  t.equal(output, `${child.pid} ${child.pid}\n321\n77\n0\n`);
});

t.test('identity and capabilities', async (t) => {
  const asOther = { uid: 50, gid: 51 };
  if (!isRoot) {
    t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true', ...asOther }), { code: 'EPERM', stage: 'groups' });
    return;
  }
  const status = 'grep -E "^(Uid|Gid|Groups|Cap|NoNew)" /proc/self/status';
  const capabilities = (mask: string) =>
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}:\t${mask.padStart(16, '0')}\n`).join('');
  const ids = 'Uid:\t50\t50\t50\t50\nGid:\t51\t51\t51\t51\n';
  const dropped = await shell(native, status, { ...asOther, capabilities: [], noNewPrivileges: true });
  t.equal(dropped.output, `${ids}Groups:\t \n${capabilities('0')}NoNewPrivs:\t1\n`);

  const kept = await shell(native, status, {
    ...asOther,
    groups: [60, 61],
    capabilities: ['CAP_NET_ADMIN', 'CAP_SYS_TIME'],
  });
  t.equal(kept.output, `${ids}Groups:\t60 61 \n${capabilities('2001000')}NoNewPrivs:\t0\n`);

  const root = await shell(native, status, { capabilities: ['CAP_CHOWN'] });
  t.match(root.output, /CapPrm:\t0{15}1\nCapEff:\t0{15}1\nCapBnd:\t0{15}1\n/, 'root without its powers');
});

t.test('namespaces', async (t) => {
  if (!isRoot) {
    t.throws(() => processes.spawn({ ...QUIET, file: '/bin/true', namespaces: ['uts'] }), {
      code: 'EPERM',
      syscall: 'clone3',
    });
    return;
  }
  const kinds = ['cgroup', 'ipc', 'mount', 'net', 'pid', 'user', 'uts'] as const;
  const names = kinds.map((kind) => (kind === 'mount' ? 'mnt' : kind));
  const links = `for n in ${names.join(' ')}; do readlink /proc/self/ns/$n; done; echo $$`;
  const linesOf = async (options = {}) => (await shell(native, links, options)).output.trimEnd().split('\n');
  const ours = await linesOf();
  for (const kind of kinds) {
    const theirs = await linesOf({ namespaces: [kind] });
    const changed = kinds.filter((_, position) => theirs[position] !== ours[position]);
    t.same(changed, [kind], `${kind} alone is another one`);
    t.equal(theirs[kinds.length] === '1', kind === 'pid', 'PID 1 in a pid namespace of its own');
  }
  const theirs = await linesOf({ namespaces: [...kinds] });
  t.ok(
    kinds.every((_, position) => theirs[position] !== ours[position]),
    'all at once',
  );
});

t.test('a user namespace with ids of its own', async (t) => {
  if (!isRoot) return;
  const before = openDescriptors();
  const idMaps = {
    uids: [
      { inside: 0, outside: 100_000, count: 1000 },
      { inside: 5000, outside: 200_000, count: 1 },
    ],
    gids: [{ inside: 0, outside: 300_000, count: 1000 }],
  };
  const asRoot = { namespaces: ['user' as const], idMaps, uid: 0, gid: 0, groups: [5] };
  const script = 'id -u; id -g; id -G; cat /proc/self/uid_map; grep CapEff /proc/self/status';
  const { output } = await shell(native, script, asRoot);
  t.match(output.replaceAll(/ +/g, ' '), /^0\n0\n0 5\n 0 100000 1000\n 5000 200000 1\nCapEff:\t0+[1-9a-f]/);
  const child = processes.spawn({ ...QUIET, ...asRoot, file: '/bin/sleep', argv: ['sleep', '100'], gid: 7, uid: 5000 });
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  t.match(status, /^Uid:\t200000\t/m);
  t.match(status, /^Gid:\t300007\t/m);
  child.kill('SIGKILL');
  await child.exited;

  const failing = { ...QUIET, ...asRoot, file: '/bin/true' };
  t.throws(() => processes.spawn({ ...failing, uid: 2000 }), { code: 'EINVAL', syscall: 'spawn', stage: 'uid' });
  const overlapping = { ...idMaps, uids: [...idMaps.uids, { inside: 999, outside: 5, count: 1 }] };
  t.throws(() => processes.spawn({ ...failing, idMaps: overlapping }), {
    code: 'EINVAL',
    syscall: 'write',
    path: /^\/proc\/\d+\/uid_map$/,
    stage: 'user-namespace',
  });
  for (const bad of [
    { namespaces: [] },
    { idMaps: { uids: [], gids: [] } },
    { idMaps: { ...idMaps, gids: [{ inside: 0 }] } },
  ]) {
    t.throws(() => processes.spawn({ ...failing, ...bad } as never), { name: 'TypeError', code: /^ERR_INVALID_ARG/ });
  }
  t.same(await processes.spawn({ ...QUIET, file: '/bin/true' }).exited, { kind: 'exited', code: 0 });
  t.equal(openDescriptors(), before);
});

t.test('statuses arrive once each, also while JavaScript is busy', async (t) => {
  const before = openDescriptors();
  const { childrenReaped } = processes.reaperStats();
  const children = Array.from({ length: 50 }, () => processes.spawn({ ...QUIET, file: '/bin/true' }));
  let settled = 0;
  for (const child of children) void child.exited.then(() => settled++);
  const deadline = Date.now() + 10_000;
  // Not a turn of the event loop until all of them have been reaped.
  while (processes.reaperStats().childrenReaped < childrenReaped + 50 && Date.now() < deadline) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  t.equal(processes.reaperStats().childrenReaped, childrenReaped + 50);
  t.equal(settled, 0);
  await Promise.all(children.map(({ exited }) => exited));
  t.equal(settled, 50);
  t.equal(openDescriptors(), before);
});

t.test('wrong arguments are TypeErrors', async (t) => {
  const good = { ...QUIET, file: '/bin/true' };
  const closed = descriptor.open('/dev/null', 'r');
  closed.close();
  for (const [name, bad] of Object.entries({
    file: { file: 'true' },
    argv: { argv: ['a\0b'] },
    env: { env: { 'A=B': 'c' } },
    value: { env: { A: 5 } },
    uid: { uid: -1 },
    groups: { groups: ['wheel'] },
    capability: { capabilities: ['NET_ADMIN'] },
    namespace: { namespaces: ['time'] },
    resource: { rlimits: { files: { soft: 1, hard: 1 } } },
    score: { oomScoreAdj: 1001 },
    stdin: { stdin: 0 },
    stdout: { stdout: closed },
    descriptors: { descriptors: [{ isOpen: true, releaseNumber() {} }] },
  })) {
    t.throws(
      () => processes.spawn({ ...good, ...bad } as never),
      { name: 'TypeError', code: /^ERR_INVALID_ARG/ },
      name,
    );
  }
});
