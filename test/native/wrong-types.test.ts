/**
 * Arguments of the wrong type: TypeErrors of lib/native before anything happens; and, past its checks, nothing that ends the process.
 * In namespaces without the right to reboot, since a mistake here would do for real what it should have refused.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';
import { membersOf } from './odd-values.js';
import { openDescriptors } from './open-descriptors.js';

const SANDBOX = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount', '--net', '--uts', '--ipc'];
const WITHOUT_REBOOT = ['setpriv', '--bounding-set=-sys_boot'];
const DEADLINE_MS = 50_000;

if (inNamespaces(import.meta.url, [...SANDBOX, ...WITHOUT_REBOOT])) {
  t.test('what has parameters refuses symbols, which nothing takes', refusesSymbols);
  t.test('a wrong member of an argument is refused as well', refusesWrongMembers);
  t.test('the addon itself survives whatever it is called with', survivesRawCalls);
}

/** What a call does: the code of the TypeError it ends in, or words. */
async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'nothing was thrown';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return error instanceof TypeError && code?.startsWith('ERR_INVALID_ARG_') ? 'refused' : `threw ${error}`;
  }
}

const isRefused = async (call: () => unknown) => (await outcomeOf(call)) === 'refused';

/** The modules, and what some of them are divided into, by their names. */
function calledObjects(): Map<string, object> {
  const found = new Map<string, object>();
  const visit = (name: string, object: object) => {
    found.set(name, object);
    for (const [key, value] of Object.entries(object)) {
      if (typeof value === 'object' && value !== null) visit(`${name}.${key}`, value);
    }
  };
  for (const [name, module] of Object.entries(loadNative())) visit(name, module);
  return found;
}

async function refusesSymbols(t: Test) {
  const before = openDescriptors();
  for (const [name, module] of calledObjects()) {
    for (const member of membersOf(module, name)) {
      if (member.length === 0) continue;
      const args = Array.from({ length: member.length }, () => Symbol('wrong'));
      t.equal(await outcomeOf(() => member.call(module, args)), 'refused', member.name);
    }
  }
  t.equal(openDescriptors(), before);
}

/** Arguments that are right, of calls whose parameters have members; they are never carried out. */
const RIGHT: [name: string, ...args: unknown[]][] = [
  ['mount.mount', { source: 'none', target: '/', fstype: 'tmpfs', flags: ['nosuid'], data: 'size=1m' }],
  ['mount.mountSync', { source: 'none', target: '/', fstype: 'tmpfs', flags: ['nosuid'], data: 'size=1m' }],
  ['mount.umount', '/', ['detach']],
  ['ring.create', { name: 'x', sizeBytes: 65_536 }],
  ['netlink.link.set', 1, { isUp: true, mtu: 1500, name: 'eth0' }],
  ['netlink.link.add', { kind: 'dummy', name: 'd0' }],
  ['netlink.address.add', { index: 1, address: '10.0.0.1/8' }],
  ['netlink.route.add', { destination: '10.0.0.0/8', index: 1, nextHops: [] }],
  ['files.openRoot', '/', { timeoutMs: 1000 }],
  ['block.openExclusively', '/dev/x', { timeoutMs: 1000 }],
  ['block.inspect', '/dev/x', { timeoutMs: 1000 }],
  ['block.erase', '/dev/x', 'zero', 0, 512, { timeoutMs: 1000 }],
  ['block.createGpt', '/dev/x', { partitions: [], replacesGpt: true }, { timeoutMs: 1000 }],
  ['block.changeGpt', '/dev/x', [{ number: 1, attributes: 1n, grows: true }], { timeoutMs: 1000 }],
  ['block.removeMapped', 'x', { deferred: true, timeoutMs: 1000 }],
  ['dhcp.open', { index: 1, mac: '02:00:00:00:00:01' }],
  ['power.reboot', 'restart'],
  ['power.setHostname', 'name'],
  ['power.killAll', 'SIGTERM'],
  ['kmsg.write', 3, 'text'],
  ['kmsg.subscribe', 'start'],
  [
    'process.spawn',
    {
      file: '/bin/true',
      argv: ['true'],
      env: { A: 'b' },
      cwd: '/',
      uid: 1,
      gid: 1,
      groups: [1],
      capabilities: ['CAP_KILL'],
      noNewPrivileges: true,
      namespaces: ['net'],
      rlimits: { nofile: { soft: 1, hard: 1 } },
      oomScoreAdj: 0,
      session: true,
      stdin: 'null',
      stdout: 'null',
      stderr: 'null',
      descriptors: [],
    },
  ],
];

/** Each copy of a value that has one part of it replaced by a symbol, with the path to that part. */
function* spoilt(value: unknown, path: string): Generator<[string, unknown]> {
  yield [path, Symbol('wrong')];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    for (const [where, wrong] of spoilt(part, `${path}.${key}`)) {
      const copy = Array.isArray(value) ? [...value] : { ...value };
      Reflect.set(copy, key, wrong);
      yield [where, copy];
    }
  }
}

async function refusesWrongMembers(t: Test) {
  const objects = calledObjects();
  for (const [name, ...right] of RIGHT) {
    const owner = objects.get(name.slice(0, name.lastIndexOf('.'))) ?? {};
    const member = membersOf(owner, name.slice(0, name.lastIndexOf('.'))).find((each) => each.name === name);
    if (!member) {
      t.fail(`there is no ${name}`);
      continue;
    }
    const accepted: string[] = [];
    for (const [position, argument] of right.entries()) {
      for (const [where, wrong] of spoilt(argument, `${position}`)) {
        const args = right.with(position, wrong);
        if (!(await isRefused(() => member.call(owner, args)))) accepted.push(where);
      }
    }
    t.same(accepted, [], name);
  }
}

async function survivesRawCalls(t: Test) {
  const before = openDescriptors();
  const script = fileURLToPath(new URL('./raw-calls.js', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const called = stdout.trimEnd().split('\n');
  t.same({ status, signal, last: called.at(-1) }, { status: 0, signal: null, last: 'end' }, stderr.slice(0, 500));
  t.ok(called.length > 60, `${called.length} functions were called`);
  t.equal(openDescriptors(), before);
}
