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
