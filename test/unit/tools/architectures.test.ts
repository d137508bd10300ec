import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { ARCHITECTURES, hostArchitecture, KNOWN_ARCHITECTURES } from '../../../lib/image/architecture.js';
import { checkout } from '../../helpers/checkout.js';

const load = (file: string) => import(pathToFileURL(path.join(checkout, 'tools', 'lib', file)).href);
const tools = await load('architectures.mjs');
const { readWanted } = await load('debian.mjs');

t.test('the commands of the repository know the architectures of lib/image', async (t) => {
  t.same(tools.architectures, KNOWN_ARCHITECTURES);
  for (const arch of KNOWN_ARCHITECTURES) t.equal(tools.nodeNameOf(arch), ARCHITECTURES[arch].nodeName);
  t.equal(tools.architectureOfHost(), hostArchitecture());
});

t.test('an option --arch', async (t) => {
  t.equal(tools.parseArchitecture(undefined), 'amd64');
  t.equal(tools.parseArchitecture('arm64'), 'arm64');
  t.throws(() => tools.parseArchitecture('riscv64'), { message: '--arch riscv64: there are amd64, arm64' });
});

t.test('what another architecture needs is installed when it is asked for, and only then', async (t) => {
  const programs = (wanted: { emulators: { program: string }[] }) => wanted.emulators.map(({ program }) => program);
  const host = hostArchitecture();
  const [other = 'arm64'] = KNOWN_ARCHITECTURES.filter((arch) => arch !== host);
  const own = readWanted(false, [host]);
  const both = readWanted(false, [host, other]);
  t.equal(programs(own).length, 1);
  t.equal(programs(both).length, 2);
  const cross = ['qemu-user-static', `g++-${ARCHITECTURES[other].gnuTriplet.replaceAll('_', '-')}`];
  for (const name of cross) {
    t.notOk(own.names.includes(name), `${name} is of no use here`);
    t.ok(both.names.includes(name), `${name} makes images for ${other}`);
  }
  t.equal(new Set(both.names).size, both.names.length, 'none is named twice');
  t.notOk(both.names.includes('mmdebstrap'), 'no rival is made');
  t.ok(readWanted(false, [host], true).names.includes('mmdebstrap'));
});
