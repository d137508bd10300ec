import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { markedPackages } from '../../../../lib/image/kubernetes/api-model.js';
import { readDebianPins } from '../../../../lib/image/kubernetes/debian-pins.js';
import { goEnvironment, linkerFlags } from '../../../../lib/image/kubernetes/go-build.js';
import { modulesOf, parseModules } from '../../../../lib/image/kubernetes/go-modules.js';
import { readReleases } from '../../../../lib/image/kubernetes/plan.js';
import { checkout } from '../../../helpers/checkout.js';

t.test('every release that is to be built has its source pinned, and nothing else is', async (t) => {
  for (const { version, sources } of await readReleases(checkout)) {
    const pins = readDebianPins(checkout, version);
    if (!sources.includes('debian-source')) {
      await t.rejects(pins, { code: 'ERR_KUBERNETES', message: new RegExp(`no source for Kubernetes ${version}`) });
      continue;
    }
    const { source, commit, date, go, replacements } = await pins;
    const packages = [...go.packages, ...Object.values(replacements).map((each) => each.package)];
    for (const sum of [...Object.values(source.files), ...packages.map(({ sha256 }) => sha256)])
      t.match(sum, /^[0-9a-f]{64}$/);
    t.match(commit, /^[0-9a-f]{40}$/);
    t.equal(new Date(date).toISOString(), date.replace('Z', '.000Z'));
    for (const host of ['amd64', 'arm64']) {
      t.ok(
        packages.some(({ architecture }) => architecture === host),
        `a compiler that runs on ${host}`,
      );
    }
  }
  await t.rejects(readDebianPins(checkout, 'toString'), { code: 'ERR_KUBERNETES' });
});

t.test('what a program says of its version', async (t) => {
  const flags = linkerFlags('v1.20.2', { commit: 'abc', date: '2021-01-13T13:19:01Z' });
  t.ok(flags.startsWith('-s -w -buildid= '), 'no symbols, and no identity that a second build would not have');
  for (const name of ['component-base/version', 'client-go/pkg/version']) {
    for (const setting of [
      'gitVersion=v1.20.2',
      'gitMajor=1',
      'gitMinor=20',
      'gitCommit=abc',
      'buildDate=2021-01-13T13:19:01Z',
    ]) {
      t.ok(flags.includes(`-X k8s.io/kubernetes/vendor/k8s.io/${name}.${setting}`), `${name}: ${setting}`);
    }
  }
});

t.test("Go's environment is ours alone", async (t) => {
  const tree = { goroot: '/w/go', gopath: '/w/path', source: '/w/path/src/k8s.io/kubernetes' };
  const environment = goEnvironment(tree, '/w', 'arm64');
  t.match(environment, { GOROOT: '/w/go', GOPATH: '/w/path', GOARCH: 'arm64', GO111MODULE: 'off', CGO_ENABLED: '0' });
  t.match(environment, { GOPROXY: 'off', GOENV: 'off' }, 'nothing is downloaded, and no settings of a user count');
  t.ok('GOFLAGS' in environment && environment.GOFLAGS === undefined, 'taken away, as runCommand does with undefined');
  t.equal(goEnvironment(tree, '/w').GOARCH, undefined, 'tools are for this machine');
});

t.test('packages whose types are described', async (t) => {
  const source = t.testdir();
  const file = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(source, name)), { recursive: true });
    writeFileSync(path.join(source, name), text);
  };
  const mark = '// +k8s:openapi-gen=true\n\npackage x\n';
  file('pkg/apis/one/doc.go', mark);
  file('pkg/apis/one/more.go', mark);
  file('pkg/apis/inside/types.go', 'package x\n\t// +k8s:openapi-gen=true\n');
  file('pkg/apis/text/README.md', mark);
  file('staging/src/k8s.io/api/core/v1/doc.go', `//+k8s:openapi-gen=true\n`);
  file('staging/src/k8s.io/code-generator/_examples/doc.go', mark);
  file('staging/src/k8s.io/sample-apiserver/pkg/doc.go', mark);
  file('cmd/other/doc.go', mark);
  t.same(await markedPackages(source), ['pkg/apis/one', 'vendor/k8s.io/api/core/v1']);
});

t.test('modules that packages belong to', async (t) => {
  const vendored = parseModules(`# a.example/one v1.0.0
## explicit
a.example/one
# a.example/one/inner v0.1.0-2020 => b.example/fork v0.2.0
a.example/one/inner/x
# a.example/two => a.example/two v2.0.0+incompatible
# k8s.io/api v0.0.0 => ./staging/src/k8s.io/api
k8s.io/api/core/v1
`);
  t.same(Object.fromEntries(vendored), {
    'a.example/one': 'v1.0.0',
    'a.example/one/inner': 'v0.2.0',
    'a.example/two': 'v2.0.0+incompatible',
  });
  const packages = ['fmt', 'k8s.io/kubernetes/pkg/kubelet'];
  for (const name of [
    'a.example/one',
    'a.example/one/x/y',
    'a.example/one/inner/x',
    'a.example/oneself',
    'k8s.io/api/core/v1',
  ])
    packages.push(`k8s.io/kubernetes/vendor/${name}`);
  t.same(modulesOf(packages, vendored), [
    { name: 'a.example/one', version: 'v1.0.0' },
    { name: 'a.example/one/inner', version: 'v0.2.0' },
  ]);
});
