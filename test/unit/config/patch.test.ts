import t from 'tap';
import { patchConfig } from '../../../lib/config/patch.js';

const patch = (text: string, change: string) => patchConfig(text, change, { config: 'a.yaml', patch: 'b.yaml' });

t.test('maps by field, lists by appending, the rest by replacing', async (t) => {
  t.equal(
    patch('# top\na: {b: 1, c: [x]} # end\nd: 1\n', 'a: {c: [y], e: {f: 2}}\nd: {g: 3}\n'),
    '# top\na: { b: 1, c: [ x, y ], e: { f: 2 } } # end\nd:\n  g: 3\n',
  );
  t.equal(
    patch(
      'cluster:\n  network:\n    podSubnets:\n      - 10.0.0.0/8\n',
      'cluster: {network: {podSubnets: [10.1.0.0/16]}}',
    ),
    'cluster:\n  network:\n    podSubnets:\n      - 10.1.0.0/16\n',
    'subnets are replaced',
  );
  t.equal(patch('a:\n  b: 1\n  c: 2\n', 'a: {b: {$patch: delete}}'), 'a:\n  c: 2\n');
});

t.test('items of some lists by their keys, as talosctl merges them', async (t) => {
  const network = (interfaces: string) => `machine:\n  network:\n    interfaces:\n${interfaces}`;
  t.equal(
    patch(
      network('      - interface: eth0 # the first\n        addresses: [192.0.2.3/24]\n        dhcp: true\n'),
      'machine: {network: {interfaces: [{interface: eth0, dhcp: false, addresses: [192.0.2.4/24]}, {interface: eth1}]}}',
    ),
    network(
      '      - interface: eth0 # the first\n        addresses: [ 192.0.2.3/24, 192.0.2.4/24 ]\n        dhcp: false\n      - interface: eth1\n',
    ),
  );
  t.equal(
    patch(
      network('      - deviceSelector:\n          driver: e1000e\n        vlans:\n          - vlanId: 5\n'),
      'machine: {network: {interfaces: [{deviceSelector: {driver: e1000e}, vlans: [{vlanId: 5, mtu: 1400}]}]}}',
    ),
    network(
      '      - deviceSelector:\n          driver: e1000e\n        vlans:\n          - vlanId: 5\n            mtu: 1400\n',
    ),
  );
  t.equal(
    patch(
      'cluster:\n  apiServer:\n    admissionControl:\n      - name: PodSecurity\n        configuration:\n          exemptions:\n            namespaces:\n              - kube-system\n',
      'cluster: {apiServer: {admissionControl: [{name: PodSecurity, configuration: {exemptions: {namespaces: [ceph]}}}]}}',
    ),
    'cluster:\n  apiServer:\n    admissionControl:\n      - name: PodSecurity\n        configuration:\n          exemptions:\n            namespaces:\n              - kube-system\n              - ceph\n',
  );
  t.equal(
    patch(
      'cluster:\n  apiServer:\n    auditPolicy:\n      kind: Policy\n      rules:\n        - level: Metadata\n',
      'cluster: {apiServer: {auditPolicy: {rules: [{level: None}]}}}',
    ),
    'cluster:\n  apiServer:\n    auditPolicy:\n      rules:\n        - level: None\n',
    'an audit policy is replaced: of two rules the first counts',
  );
});

t.test('what is to be deleted is gone, whether it was there or not', async (t) => {
  const text = 'a:\n  list:\n    - name: x\n      v: 1\n    - name: y\n  b: 1\n';
  t.equal(patch(text, 'a: {list: [{name: x, $patch: delete}]}'), 'a:\n  list:\n    - name: y\n  b: 1\n');
  t.equal(patch(text, 'a: {list: [{name: z, $patch: delete}, {$patch: delete}], c: {$patch: delete}}'), text);
  t.equal(patch(text, 'c: {d: {$patch: delete}, e: [{name: x, $patch: delete}]}'), text, 'nothing to take it from');
  t.equal(patch(text, 'c: {d: {$patch: delete}, e: 1, f: [], g: {}}'), `${text}c:\n  e: 1\n  f: []\n  g: {}\n`);
  t.equal(patch(text, 'apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n'), text, 'a document of a kind');
  t.throws(() => patch(text, '$patch: delete'), { code: 'ERR_CONFIG_PATCH', message: /main document/ });
});

t.test('documents by kind and name', async (t) => {
  const text = 'version: v1alpha1\n---\nkind: LinkConfig\nname: eth0\n---\nkind: LinkConfig\nname: eth1\n';
  t.equal(
    patch(text, 'debug: true\n---\nkind: LinkConfig\nname: eth1\nup: true\n---\nkind: HostnameConfig\nhostname: n1\n'),
    'version: v1alpha1\ndebug: true\n---\nkind: LinkConfig\nname: eth0\n---\nkind: LinkConfig\nname: eth1\nup: true\n---\nkind: HostnameConfig\nhostname: n1\n',
  );
  t.equal(
    patch(text, 'kind: LinkConfig\nname: eth0\n$patch: delete\n'),
    'version: v1alpha1\n---\nkind: LinkConfig\nname: eth1\n',
  );
});

t.test('what is no patch', async (t) => {
  t.throws(() => patch('a: 1\n', 'text'), /b\.yaml: it must be a piece of a config, or a list/);
  t.throws(() => patch('a: 1\n', 'a: ['), /b\.yaml has/);
  t.throws(() => patch('a: [', 'a: 1'), /a\.yaml has/);
  t.throws(() => patch('a: 1\n', '__proto__: {b: 1}'), /cannot have this name/);
});

t.test('an alias is changed where the patch says, not where its anchor is', async (t) => {
  t.equal(patch('a: &x {b: 1}\nc: *x\n', 'c: {b: 2}'), 'a:\n  b: 1\nc:\n  b: 2\n');
  t.equal(patch('a: &x {b: 1}\nc: *x\n', '[{op: replace, path: /a/b, value: 2}]'), 'a:\n  b: 2\nc:\n  b: 1\n');
});
