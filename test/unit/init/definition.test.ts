import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseDefinition } from '../../../lib/init/definition.js';

const MINIMAL = { id: 'demo', file: '/usr/bin/demo' };

/** out/js/test/unit/init -> the checkout. */
const CHECKOUT = join(dirname(fileURLToPath(import.meta.url)), '../../../../..');

function parse(fields: Record<string, unknown>) {
  return parseDefinition('demo', JSON.stringify({ ...MINIMAL, ...fields }));
}

t.test('what is left out has the documented default', (t) => {
  t.same(parse({}), {
    id: 'demo',
    description: '',
    order: 100,
    file: '/usr/bin/demo',
    argv: ['/usr/bin/demo'],
    env: {},
    uid: 0,
    gid: 0,
    noNewPrivileges: true,
    rlimits: {},
    oomScoreAdj: 0,
    cgroup: {},
    restart: 'always',
    start: 'boot',
    stopTimeoutMs: 10_000,
    dependsOn: [],
    control: false,
    runtimeFolder: false,
    furtherArguments: false,
  });
  t.end();
});

t.test('no capabilities is not the same as none named', (t) => {
  t.same(parse({ capabilities: [] }).capabilities, []);
  t.equal(parse({}).capabilities, undefined);
  t.end();
});

t.test('a full definition keeps every field', (t) => {
  const full = {
    id: 'demo',
    description: 'a demo',
    order: 5,
    file: '/sbin/demo',
    argv: ['demo', '--x=1', ''],
    env: { HOME: '/', EMPTY: '' },
    uid: 50,
    gid: 51,
    capabilities: ['CAP_NET_ADMIN'],
    noNewPrivileges: false,
    rlimits: { nofile: { soft: 10, hard: 20 }, core: { soft: -1, hard: -1 } },
    oomScoreAdj: -998,
    cgroup: { memoryMin: 1, memoryLow: 2, memoryHigh: 3, memoryMax: -1, cpuWeight: 10_000, pidsMax: 5 },
    restart: 'on-failure',
    start: 'manual',
    stopTimeoutMs: 0,
    dependsOn: ['other'],
    control: true,
    runtimeFolder: true,
    furtherArguments: true,
  };
  t.same(parse(full), full);
  t.end();
});

t.test('whatever is wrong is refused by name', (t) => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['unknown field', { memoryMax: 5 }, /demo: memoryMax is not a field/],
    ['field of Object.prototype', { constructor: 1 }, /constructor is not a field/],
    ['id of another file', { id: 'other' }, /id must be the file's name/],
    ['relative file', { file: 'bin/demo' }, /file is not valid/],
    ['no file', { file: undefined }, /file must be a string/],
    ['empty argv', { argv: [] }, /argv is empty/],
    ['argv of numbers', { argv: [1] }, /argv\[0\] is not valid/],
    ['NUL in argv', { argv: ['a\0b'] }, /argv\[0\] is not valid/],
    ['order as text', { order: '5' }, /order must be a whole number from 0 to 1000/],
    ['uid out of range', { uid: 65_535 }, /uid must be a whole number/],
    ['uid with a fraction', { uid: 1.5 }, /uid must be a whole number/],
    ['no capability', { capabilities: ['NET_ADMIN'] }, /capabilities\[0\]/],
    ['no boolean', { control: 'yes' }, /control must be true or false/],
    ['soft above hard', { rlimits: { nofile: { soft: 2, hard: 1 } } }, /rlimits.nofile has soft above hard/],
    ['unlimited above hard', { rlimits: { nofile: { soft: -1, hard: 1 } } }, /rlimits.nofile has soft above hard/],
    ['half a limit', { rlimits: { nofile: { soft: 1 } } }, /rlimits.nofile must have soft and hard/],
    ['unknown limit of the cgroup', { cgroup: { memory: 1 } }, /demo: cgroup: memory is not a field/],
    ['weight out of range', { cgroup: { cpuWeight: 0 } }, /cpuWeight must be a whole number from 1/],
    ['unknown policy', { restart: 'sometimes' }, /restart must be one of always/],
    ['name of a variable', { env: { 'A-B': '1' } }, /env.A-B is no name/],
    ['variable that is a number', { env: { A: 1 } }, /env.A must be a string/],
    ['dependency that is no id', { dependsOn: ['../x'] }, /dependsOn\[0\]/],
    ['environment as a list', { env: [] }, /env must be an object/],
  ];
  for (const [name, fields, message] of cases) {
    t.throws(() => parse(fields), { code: 'ERR_SERVICE_DEFINITION', message }, name);
  }
  t.throws(() => parseDefinition('init', '{"id":"init","file":"/x"}'), /id is PID 1 itself/);
  t.throws(() => parseDefinition('demo', '[]'), /not an object/);
  t.throws(() => parseDefinition('demo', '{'), /not JSON/);
  t.throws(() => parseDefinition('../x', '{"id":"../x","file":"/x"}'), /id is not valid/);
  t.end();
});

for (const folder of ['rootfs/files/usr/share/talos/services', 'test/layer/services']) {
  t.test(`every definition in ${folder} is valid`, (t) => {
    for (const file of readdirSync(join(CHECKOUT, folder)).filter((name) => name.endsWith('.json'))) {
      const text = readFileSync(join(CHECKOUT, folder, file), 'utf8');
      t.equal(parseDefinition(file.replace('.json', ''), text).id, file.replace('.json', ''));
    }
    t.end();
  });
}

t.test('osd owns nothing', (t) => {
  const text = readFileSync(join(CHECKOUT, 'rootfs/files/usr/share/talos/services/osd.json'), 'utf8');
  t.match(parseDefinition('osd', text), { uid: 50, gid: 50, noNewPrivileges: true, control: true });
  t.same(parseDefinition('osd', text).capabilities, []);
  t.end();
});
