/** Manifests of a cluster's own: what is read of a text, and what a machine config may say. */
import t from 'tap';
import { parse, stringify } from 'yaml';
import { ConfigError, compareConfigs, formatProblem, parseMachineConfig } from '../../../lib/config/index.js';
import { MAX_MANIFEST_BYTES, parseManifests } from '../../../lib/config/manifest-text.js';
import { needingReboot } from '../../../lib/machined/config-plan.js';
import { generated } from '../machined/fixtures.js';

const { controlplane } = await generated();

type Fields = Record<string, unknown>;

function textWith(cluster: Fields): string {
  const config = parse(controlplane) as { cluster: Fields & { network?: Fields } };
  const { network, ...rest } = cluster as { network?: Fields };
  Object.assign(config.cluster, rest);
  if (network) config.cluster.network = { ...config.cluster.network, ...network };
  return stringify(config);
}

function problemsOf(cluster: Fields): string[] {
  try {
    parseMachineConfig(textWith(cluster));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem({ ...problem, line: 0 }));
  }
}

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n';

t.test('objects of a text, in their order', (t) => {
  const text = `# a comment alone
---
${NAMESPACE}---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: demo}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "system:two"}}
--- # and one more
apiVersion: v1
kind: ConfigMap
metadata:
  name: three
data:
  text: |
    a: b
    # no end: ---
`;
  const { objects, problems } = parseManifests(text);
  t.strictSame(problems, []);
  t.strictSame(
    objects.map(({ apiVersion, kind, namespace, name }) => [apiVersion, kind, namespace, name]),
    [
      ['v1', 'Namespace', undefined, 'demo'],
      ['v1', 'ConfigMap', 'demo', 'one'],
      ['rbac.authorization.k8s.io/v1', 'ClusterRole', undefined, 'system:two'],
      ['v1', 'ConfigMap', undefined, 'three'],
    ],
  );
  t.strictSame(objects[3]?.fields.data, { text: 'a: b\n# no end: ---\n' });
  t.end();
});

t.test('scalars are those of programs in Go', (t) => {
  const { objects, problems } = parseManifests(`apiVersion: v1
kind: Thing
metadata: {name: a, creationTimestamp: null}
spec:
  mode: 0644
  yes: no
  day: 2026-11-30
  time: 1:20
  quoted: "0644"
  base: &base {a: 1, b: 2}
  merged: {<<: *base, b: 3}
  nothing:
`);
  t.strictSame(problems, []);
  t.strictSame(objects[0]?.fields, {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'a' },
    spec: {
      mode: 420,
      true: false,
      day: '2026-11-30',
      time: '1:20',
      quoted: '0644',
      base: { a: 1, b: 2 },
      merged: { a: 1, b: 3 },
    },
  });
  t.end();
});

t.test('what is none is told with its line, and no value of it', (t) => {
  const object = (change: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n${change}`;
  const cases: [string, RegExp][] = [
    ['', /^has no object$/],
    ['# nothing\n---\n', /^has no object$/],
    ['<html><body>not found</body></html>', /^line 1: is no object$/],
    [`${NAMESPACE}---\n- s3cret\n`, /^line 5: is no object$/],
    [`${NAMESPACE}---\n\nkind: ConfigMap\nmetadata: {name: a}\n`, /^line 6: has no apiVersion such as apps\/v1$/],
    ['apiVersion: v1\nmetadata: {name: a}\n', /^line 1: has no kind such as ConfigMap$/],
    ['apiVersion: v1\nkind: s3cret\nmetadata: {name: a}\n', /has no kind/],
    ['apiVersion: v1\nkind: ConfigMap\n', /has no metadata\.name that an object can have$/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n', /has no metadata\.name/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ..}\n', /has no metadata\.name/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a/b}\n', /has no metadata\.name/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 7}\n', /has no metadata\.name/],
    ['apiVersion: ../v1\nkind: ConfigMap\nmetadata: {name: a}\n', /has no apiVersion/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: A/..}\n', /has no metadata\.namespace/],
    ['apiVersion: v1\nkind: List\nitems: [{kind: A}]\n', /^line 1: item 1 has no apiVersion/],
    [object('data: {a: !!binary czNjcmV0}\n'), /^line 4: .*tag/],
    [object('__proto__: {a: s3cret}\n'), /^line 4: a field cannot have this name$/],
    [object('data: {a: 1, a: 2}\n'), /^line 4: the field a is there already$/],
    [object(`data: ${'['.repeat(100)}\n`), /nested too deeply/],
    [
      object(
        'a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c]\ne: [*d,*d,*d]\n',
      ),
      /aliases/,
    ],
    [
      object(`data: {a: ${'x'.repeat(1.6 * 1024 * 1024)}}\n`),
      /^line 1: is larger than 1\.5 MiB, which is all that an object/,
    ],
    ['x'.repeat(MAX_MANIFEST_BYTES + 1), /^is larger than 4 MiB/],
  ];
  for (const [text, message] of cases) {
    const { problems } = parseManifests(text);
    t.match(problems[0], message, text.slice(0, 100));
    t.notMatch(problems.join(), /s3cret/);
  }
  t.ok(parseManifests('kind: A\n---\n'.repeat(5000)).problems.length <= 10, 'nobody reads more');
  t.end();
});

t.test('in a machine config', async (t) => {
  const { config, warnings } = parseMachineConfig(
    textWith({
      network: { cni: { name: 'custom', urls: ['https://example.org/network.yaml'] } },
      inlineManifests: [{ name: 'demo', contents: NAMESPACE }],
      extraManifests: ['https://example.org/a.yaml?x=1'],
      extraManifestHeaders: { Authorization: 'Bearer abc' },
    }),
  );
  t.strictSame(warnings, []);
  t.match(config.cluster, {
    network: { cni: { name: 'custom', urls: ['https://example.org/network.yaml'] } },
    inlineManifests: [{ name: 'demo', contents: NAMESPACE }],
    extraManifestHeaders: { Authorization: 'Bearer abc' },
  });
  t.strictSame(problemsOf({ inlineManifests: [], extraManifests: [] }), [], 'as talosctl writes them');
});

t.test('what a machine config may not say', async (t) => {
  const url =
    'must be a URL such as https://example.org/manifest.yaml, without a password in it: what it names gets all rights in the cluster, so http is refused';
  const inline = (name: string, contents = NAMESPACE) => ({ name, contents });
  const cases: [Fields, string | RegExp][] = [
    [{ inlineManifests: [inline('a'), inline('a')] }, 'cluster.inlineManifests[1].name: is the name of another one'],
    [
      { inlineManifests: [inline('../a')] },
      'cluster.inlineManifests[0].name: must be a name of letters, digits, ".", "_" and "-"',
    ],
    [
      { inlineManifests: [inline('a', 'kind: A\n')] },
      'cluster.inlineManifests[0].contents: line 1: has no apiVersion such as apps/v1',
    ],
    [{ inlineManifests: [{ name: 'a' }] }, 'cluster.inlineManifests[0].contents: is missing'],
    [{ extraManifests: ['http://example.org/a.yaml'] }, `cluster.extraManifests[0]: ${url}`],
    [{ extraManifests: ['http://10.5.0.9/a.yaml'] }, `cluster.extraManifests[0]: ${url}`],
    [{ extraManifests: ['https://me:secret@example.org/a'] }, `cluster.extraManifests[0]: ${url}`],
    [{ extraManifests: ['file:///etc/passwd'] }, `cluster.extraManifests[0]: ${url}`],
    [
      { extraManifests: ['https://example.org/a', 'https://example.org/a'] },
      'cluster.extraManifests: names a URL twice',
    ],
    [
      { extraManifestHeaders: { Host: 'a' } },
      'cluster.extraManifestHeaders.Host: is a header that the node sets itself',
    ],
    [{ extraManifestHeaders: { 'a b': 'a' } }, 'cluster.extraManifestHeaders.a b: is no name of an HTTP header'],
    [{ extraManifestHeaders: { A: 'a\r\nb: c' } }, 'cluster.extraManifestHeaders.A: is no value of an HTTP header'],
    [{ network: { cni: { name: 'custom' } } }, 'cluster.network.cni.urls: is missing: the manifests of the network'],
    [
      { network: { cni: { name: 'bridge', urls: ['https://example.org/a'] } } },
      'cluster.network.cni.urls: is for cluster.network.cni.name: custom',
    ],
    [{ network: { cni: { name: 'weave' } } }, /^cluster\.network\.cni\.name: must be "bridge".*"custom".*"none"/],
  ];
  for (const [cluster, message] of cases) {
    const problems = problemsOf(cluster);
    t.equal(problems.length, 1, JSON.stringify(cluster));
    t.match(problems[0], message);
  }
});

t.test('a change of them needs no reboot, and shows nothing that may be secret', async (t) => {
  const documents = (cluster: Fields) => parseMachineConfig(textWith(cluster)).documents;
  const before = {
    network: { cni: { name: 'custom', urls: ['https://example.org/a'] } },
    inlineManifests: [{ name: 'demo', contents: NAMESPACE }],
    extraManifestHeaders: { Authorization: 'Bearer s3cret' },
  };
  const after = {
    network: { cni: { name: 'custom', urls: ['https://example.org/b'] } },
    inlineManifests: [{ name: 'demo', contents: `${NAMESPACE}data: s3cret\n` }],
    extraManifests: ['https://example.org/c'],
    extraManifestHeaders: { Authorization: 'Bearer s3cret2' },
  };
  const { paths, diff } = compareConfigs(documents(before), documents(after));
  t.strictSame(paths.toSorted(), [
    'cluster.extraManifestHeaders.Authorization',
    'cluster.extraManifests',
    'cluster.inlineManifests',
    'cluster.network.cni.urls',
  ]);
  t.strictSame(needingReboot(paths), []);
  t.strictSame(needingReboot(['cluster.network.cni.name']), ['cluster.network.cni.name']);
  t.match(diff, /example\.org\/b/);
  t.match(diff, /^\+ +contents: \(another secret\)$/m, 'that it is another one is shown');
  t.notMatch(diff, /s3cret|kind: Namespace/);
});
