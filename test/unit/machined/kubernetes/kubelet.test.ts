/** The kubelet as machined handles it at init, and whether the cluster has let it in. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { YEAR_MS } from '../../../../lib/base/units.js';
import { kubeconfigOf } from '../../../../lib/kube/kubeconfig.js';
import { hasKubeletCredentials, startKubelet } from '../../../../lib/machined/kubernetes/kubelet.js';
import { addressesOf } from '../../../../lib/machined/kubernetes/node-facts.js';
import {
  createCertificateAuthority,
  issueClientCertificate,
  standardPrivateKeyPem,
} from '../../../../lib/pki/index.js';

/** init, as far as it is asked. */
function init() {
  const asked: [string, object][] = [];
  const request = async (method: string, body: object) => {
    asked.push([method, body]);
    return { body: {}, descriptors: [] };
  };
  return { asked, init: { request } as unknown as Parameters<typeof startKubelet>[0] };
}

t.test('it is started with what kubeadm has written, and what the node wants now', async (t) => {
  const folder = t.testdir({
    'kubeadm-flags.env':
      'KUBELET_KUBEADM_ARGS="--container-runtime=remote --node-ip=10.5.0.9 --pod-infra-container-image=pause:3.2"\n',
  });
  const { asked, init: own } = init();
  await startKubelet(own, folder, { 'node-ip': '10.5.0.2', 'container-runtime': 'remote' });
  t.strictSame(asked, [
    [
      'setServiceArguments',
      {
        id: 'kubelet',
        arguments: ['--pod-infra-container-image=pause:3.2', '--node-ip=10.5.0.2', '--container-runtime=remote'],
      },
    ],
    ['controlService', { id: 'kubelet', action: 'START' }],
  ]);
  await t.rejects(startKubelet(own, t.testdir(), {}), { code: 'ENOENT' }, 'not before kubeadm has');
});

t.test('whether the cluster has let it in', async (t) => {
  const ca = await createCertificateAuthority({ organization: 'kubernetes' });
  const client = await issueClientCertificate({ ca, roles: ['os:reader'] });
  const folder = t.testdir();
  const file = join(folder, 'kubelet.conf');
  t.equal(await hasKubeletCredentials(folder), false, 'no file');
  const pair = { crt: client.crt, key: standardPrivateKeyPem(client.key) };
  const text = kubeconfigOf({
    clusterName: 'c',
    server: 'https://10.5.0.2:6443',
    ca: ca.crt,
    user: 'system:node:a',
    client: pair,
  });
  await writeFile(file, text);
  t.equal(await hasKubeletCredentials(folder), true);
  t.equal(await hasKubeletCredentials(folder, Date.now() + 2 * YEAR_MS), false, 'expired');
  const pem = join(folder, 'kubelet-client-current.pem');
  const byPath = text
    .replace(/client-certificate-data: .*/, `client-certificate: ${pem}`)
    .replace(/client-key-data: .*/, `client-key: ${pem}`);
  await writeFile(file, byPath);
  t.equal(await hasKubeletCredentials(folder), false, 'the file that it names is gone');
  await writeFile(pem, `${pair.crt}${pair.key}`);
  t.equal(await hasKubeletCredentials(folder), true);
  await writeFile(pem, '');
  t.equal(await hasKubeletCredentials(folder), false, 'empty, as a power cut leaves it');
  await writeFile(file, text.slice(0, 100));
  t.equal(await hasKubeletCredentials(folder), false, 'cut off');
  await t.rejects(hasKubeletCredentials(pem), { code: 'ENOTDIR' }, 'what has other reasons is told');
});

t.test('addresses of the node are not those of its pods', (t) => {
  const of = (cidr: string | null, internal = false) => [
    { cidr, internal } as NonNullable<Parameters<typeof addressesOf>[0][string]>[number],
  ];
  t.strictSame(
    addressesOf({
      lo: of('127.0.0.1/8', true),
      eth0: of('10.5.0.2/24'),
      cni0: of('10.244.0.1/24'),
      veth12ab: of('fe80::1/64'),
      'kube-ipvs0': of('10.96.0.1/32'),
      eth1: of(null),
    }),
    ['10.5.0.2/24'],
  );
  t.end();
});
