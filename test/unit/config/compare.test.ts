import t from 'tap';
import { readDocuments } from '../../../lib/config/document.js';
import { compareConfigs } from '../../../lib/config/index.js';
import { isIgnored } from '../../../lib/config/unsupported.js';

const values = (text: string) => readDocuments(text).documents.map(({ value }) => value);
const compare = (before: string, after: string) => compareConfigs(values(before), values(after));

t.test('what is written differently is not different', async (t) => {
  const before = 'version: v1alpha1\nmachine: {type: worker, network: {}}\n';
  const after = '# a comment\nmachine:\n  "type": "worker"\n  certSANs:\nversion: v1alpha1\n';
  t.same(compare(before, after), { paths: [], diff: '' });
});

t.test('paths of what was added, changed and removed', async (t) => {
  const { paths, diff } = compare(
    'machine: {type: worker, certSANs: [a, b], network: {hostname: one}}\n---\nkind: DHCPv4Config\nname: eth0\n',
    'machine: {type: worker, certSANs: [a], ca: {crt: x}}\n---\nkind: DHCPv4Config\nname: eth1\n',
  );
  t.same(paths, [
    'machine.certSANs',
    'machine.network.hostname',
    'machine.ca.crt',
    'DHCPv4Config(eth0).kind',
    'DHCPv4Config(eth0).name',
    'DHCPv4Config(eth1).kind',
    'DHCPv4Config(eth1).name',
  ]);
  t.match(diff, /^--- running config\n\+\+\+ new config\n@@/m);
  t.match(diff, /^-.*hostname: one$/m);
  t.match(diff, /^\+name: eth1$/m);
});

t.test('secrets are told apart and not shown', async (t) => {
  const config = (token: string, key: string, password: string) =>
    `machine:
  token: ${token}
  ca: {crt: PUBLIC, key: ${key}}
  registries: {config: {r.example.org: {auth: {username: joe, password: ${password}}}}}
  files: [{path: /a, token: listed-${password}}]
cluster: {secret: same-secret}
`;
  const { diff, paths } = compare(config('t-one', 'k-one', 'p-one'), config('t-two', 'k-one', 'p-two'));
  t.same(paths, ['machine.token', 'machine.registries.config.r.example.org.auth.password', 'machine.files']);
  t.match(diff, /^- {2}token: \(secret\)$/m);
  t.match(diff, /^\+ {2}token: \(another secret\)$/m);
  t.match(diff, /^ +key: \(secret\)$/m, 'one that is the same');
  t.match(diff, /PUBLIC/);
  for (const secret of ['t-one', 't-two', 'k-one', 'p-one', 'p-two', 'same-secret', 'joe', 'listed']) {
    t.notMatch(diff, secret, secret);
  }
});

t.test('configs that have nothing in common take a bounded time', async (t) => {
  const many = (word: string) =>
    `machine: {certSANs: [${Array.from({ length: 20_000 }, (_, at) => word + at).join(',')}]}\n`;
  const before = process.cpuUsage();
  const { diff, paths } = compare(many('a'), many('b'));
  // Of the processor's time: the clock also counts what other programs do meanwhile.
  const { user, system } = process.cpuUsage(before);
  t.ok((user + system) / 1e6 < 15, `${(user + system) / 1e6} s of processor time`);
  t.same(paths, ['machine.certSANs']);
  t.match(diff, /too different to be shown line by line; changed: machine\.certSANs/);
});

t.test('documents of one kind and name', async (t) => {
  const { paths } = compare(
    'kind: LinkConfig\nname: a\n',
    'kind: LinkConfig\nname: a\n---\nkind: LinkConfig\nname: a\nup: true\n',
  );
  t.same(paths, ['LinkConfig(a)#2.kind', 'LinkConfig(a)#2.name', 'LinkConfig(a)#2.up']);
  t.ok(isIgnored(paths[2] as string));
  t.ok(isIgnored('machine.sysctls.x'));
  t.notOk(isIgnored('machine.sysctlsX'));
  t.notOk(isIgnored('machine.token'));
  t.notOk(isIgnored('DHCPv4Config(eth0).name'));
});
