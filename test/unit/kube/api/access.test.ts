import t from 'tap';
import { stringify } from 'yaml';
import { describeServer, parseKubeconfig } from '../../../../lib/kube/api/access.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig({
  cluster = {},
  user = { 'client-certificate-data': base64('CRT'), 'client-key-data': base64('KEY') } as object,
  context = {},
}: {
  cluster?: object;
  user?: object;
  context?: object;
} = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'other', cluster: { server: 'https://192.0.2.1:1' } },
      {
        name: 'c',
        cluster: { server: 'https://10.5.0.2:6443', 'certificate-authority-data': base64('CA'), ...cluster },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'u@c', context: { cluster: 'c', user: 'u', ...context } }],
    'current-context': 'u@c',
  });
}

t.test('what the current context names', (t) => {
  t.same(parseKubeconfig(kubeconfig()), {
    ...{ host: '10.5.0.2', port: 6443, serverName: '10.5.0.2', ca: { kind: 'text', text: 'CA' } },
    client: {
      kind: 'certificate',
      certificate: { kind: 'text', text: 'CRT' },
      key: { kind: 'text', text: 'KEY' },
    },
  });
  const file = '/var/lib/kubelet/pki/kubelet-client-current.pem';
  const ofKubelet = parseKubeconfig(
    kubeconfig({
      cluster: { server: 'https://[fd00::2]', 'tls-server-name': 'kubernetes' },
      user: { 'client-certificate': file, 'client-key': file },
    }),
  );
  t.match(ofKubelet, { host: 'fd00::2', port: 443, serverName: 'kubernetes' });
  t.same(ofKubelet.client, {
    kind: 'certificate',
    certificate: { kind: 'file', path: file },
    key: { kind: 'file', path: file },
  });
  t.equal(describeServer(ofKubelet), '[fd00::2]:443');
  t.same(parseKubeconfig(kubeconfig({ user: { token: 'secret' } })).client, {
    kind: 'token',
    token: { kind: 'text', text: 'secret' },
  });
  t.same(parseKubeconfig(kubeconfig({ user: { tokenFile: '/run/token', token: 'x' } })).client, {
    kind: 'token',
    token: { kind: 'file', path: '/run/token' },
  });
  t.end();
});

t.test('what is refused, and why', (t) => {
  const cases: [string, RegExp][] = [
    ['', /has no context called ""/],
    ['- a', /has no context called ""/],
    ['a: [', /is no YAML/],
    ['a: &a [1]\nb: *a', /is no YAML/],
    [`# ${'x'.repeat(300_000)}`, /longer/],
    [kubeconfig({ context: { cluster: 'none' } }), /no cluster called "none"/],
    [kubeconfig({ context: { user: '__proto__' } }), /no user called "__proto__"/],
    [kubeconfig({ cluster: { server: 'http://10.5.0.2:6443' } }), /no https URL/],
    [kubeconfig({ cluster: { server: 'https://10.5.0.2:6443/k8s' } }), /more than host and port/],
    [kubeconfig({ cluster: { server: 'https://u:secret@10.5.0.2' } }), /with more than host and port$/],
    [kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }), /anybody could be the server/],
    [kubeconfig({ cluster: { 'proxy-url': 'http://192.0.2.1' } }), /proxy-url/],
    [kubeconfig({ cluster: { 'certificate-authority-data': '' } }), /names no certificate-authority/],
    [
      kubeconfig({ cluster: { 'certificate-authority-data': '', 'certificate-authority': 'ca.crt' } }),
      /no absolute path/,
    ],
    [kubeconfig({ user: { 'client-certificate': '/a' } }), /only one of/],
    [kubeconfig({ user: { exec: { command: 'login' } } }), /neither a client certificate nor a token/],
    [kubeconfig({ user: {} }), /neither/],
  ];
  for (const [text, problem] of cases) {
    t.throws(() => parseKubeconfig(text), { code: 'ERR_KUBE_ACCESS', message: problem }, String(problem));
  }
  t.notMatch(
    (() => {
      try {
        return parseKubeconfig(kubeconfig({ cluster: { server: 'https://u:secret@10.5.0.2' } }));
      } catch (error) {
        return String(error);
      }
    })(),
    /secret/,
    'no password in a log',
  );
  t.end();
});
