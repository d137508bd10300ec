import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseContainerDefinition } from '../../../../lib/machined/containers/definition.js';
import { containerSpec } from '../../../../lib/machined/containers/spec.js';
import { checkout } from '../../../helpers/checkout.js';

const MINIMAL = { id: 'a', argv: ['/usr/bin/a'] };
const parse = (fields: object, name = 'a') => parseContainerDefinition(name, JSON.stringify(fields));

t.test('what is not said is little', (t) => {
  t.match(parse(MINIMAL), { uid: 65534, capabilities: [], binds: [], restart: 'always', start: 'boot' });
  t.end();
});

t.test('what cannot be is named', (t) => {
  const wrong: [object, RegExp][] = [
    [{ ...MINIMAL, id: 'b' }, /id must be the file's name/],
    [{ ...MINIMAL, argv: [] }, /argv is empty/],
    [{ ...MINIMAL, uid: 0 }, /uid must be a whole number from 1/],
    [{ ...MINIMAL, binds: ['/system'] }, /binds\[0\] is not valid/],
    [{ ...MINIMAL, binds: ['/usr/../system'] }, /binds\[0\] is not valid/],
    [{ ...MINIMAL, binds: ['/usrx'] }, /binds\[0\] is not valid/],
    [{ ...MINIMAL, binds: ['/sys'] }, /binds\[0\] is not valid/],
    [{ ...MINIMAL, binds: ['/sys/devices/system'] }, /binds\[0\] is not valid/],
    [{ ...MINIMAL, network: 'host' }, /network must be one of/],
    [{ ...MINIMAL, oomScoreAdj: -999 }, /oomScoreAdj/],
    [{ ...MINIMAL, memoryMin: 2, memoryMax: 1 }, /memoryMin is more than memoryMax/],
    [{ ...MINIMAL, control: true }, /control needs a uid of its own/],
    [{ ...MINIMAL, on: 'worker' }, /on must be one of/],
    [{ ...MINIMAL, privileged: true }, /privileged is not a field/],
  ];
  for (const [fields, message] of wrong) t.throws(() => parse(fields), { message }, JSON.stringify(fields));
  t.end();
});

t.test('those of the image and of the test layer can be read, and each that has rights has a user of its own', (t) => {
  const users = new Map<number, string>();
  for (const folder of ['rootfs/files/usr/share/talos/containers', 'test/layer/containers']) {
    for (const file of readdirSync(join(checkout, folder))) {
      const text = readFileSync(join(checkout, folder, file), 'utf8');
      const { id, uid, control } = parseContainerDefinition(file.slice(0, -'.json'.length), text);
      if (!control) continue;
      t.notOk(users.has(uid), `${id} and ${users.get(uid)}`);
      users.set(uid, id);
    }
  }
  const services = join(checkout, 'rootfs/files/usr/share/talos/services');
  for (const file of readdirSync(services)) {
    const { uid = 0 } = JSON.parse(readFileSync(join(services, file), 'utf8'));
    t.notOk(users.has(uid), `${file} and ${users.get(uid)}`);
  }
  t.same([...users.values()].sort(), ['blockd', 'proxyd', 'trustd']);
  t.end();
});

t.test('memory of a container: what it keeps, what it may have, and that all of it ends together', (t) => {
  const { linux } = containerSpec(parse({ ...MINIMAL, memoryMin: 8, memoryMax: 9 })) as {
    linux: { resources: { memory: object; unified: object } };
  };
  t.same(linux.resources.memory, { limit: 9 });
  t.match(linux.resources.unified, { 'memory.min': '8', 'memory.oom.group': '1' });
  t.end();
});

t.test('only who has a control connection sees the folder with its socket', (t) => {
  const mounts = (fields: object) =>
    (containerSpec(parse({ ...MINIMAL, uid: 52, ...fields })) as { mounts: { destination: string }[] }).mounts;
  t.notOk(mounts({}).some(({ destination }) => destination === '/run/control'));
  t.match(
    mounts({ control: true }).find(({ destination }) => destination === '/run/control'),
    {
      type: 'bind',
      source: '/run/machined/control/a',
      options: ['bind', 'noexec', 'nosuid', 'nodev', 'ro'],
    },
  );
  t.end();
});

t.test('a container may do what is listed, and no more', (t) => {
  const spec = containerSpec(parse({ ...MINIMAL, uid: 52, gid: 53, env: { A: '1' }, binds: ['/usr/bin'] })) as {
    process: Record<string, unknown> & { capabilities: Record<string, string[]> };
    root: { readonly: boolean };
    mounts: { destination: string; options: string[] }[];
    linux: { seccomp: { defaultAction: string; syscalls: { names: string[] }[] }; namespaces: { type: string }[] };
  };
  t.match(spec.process, { user: { uid: 52, gid: 53 }, env: ['A=1'], noNewPrivileges: true });
  t.ok(Object.values(spec.process.capabilities).every((names) => names.length === 0));
  t.ok(spec.root.readonly);
  for (const { destination, options } of spec.mounts) t.ok(options.includes('nosuid'), destination);
  t.ok(spec.mounts.find(({ destination }) => destination === '/usr/bin')?.options.includes('ro'));
  const sys = containerSpec(parse({ ...MINIMAL, binds: ['/sys/block'] })) as typeof spec;
  const options = sys.mounts.find(({ destination }) => destination === '/sys/block')?.options;
  t.same(options, ['bind', 'noexec', 'nosuid', 'nodev', 'ro']);
  t.notOk(
    spec.linux.namespaces.some(({ type }) => type === 'network'),
    "its ports are the node's",
  );
  const alone = containerSpec(parse({ ...MINIMAL, network: 'none' })) as typeof spec;
  t.ok(
    alone.linux.namespaces.some(({ type }) => type === 'network'),
    'nor has it to have one',
  );
  const allowed = new Set(spec.linux.seccomp.syscalls.flatMap(({ names }) => names));
  t.equal(spec.linux.seccomp.defaultAction, 'SCMP_ACT_ERRNO');
  for (const name of [
    'mount',
    'ptrace',
    'bpf',
    'unshare',
    'setns',
    'keyctl',
    'reboot',
    'init_module',
    'io_uring_setup',
  ]) {
    t.notOk(allowed.has(name), name);
  }
  t.end();
});
