/** What makes a control plane another one. */
import t from 'tap';
import { advertisedAddress, controlPlaneDigest } from '../../../../lib/kube/kubeadm/control-plane.js';
import { type InputChange, inputWith } from '../../../helpers/kubernetes-input.js';

const digest = (change?: InputChange) => controlPlaneDigest(inputWith(change));

t.test('whatever kubeadm makes it from', async (t) => {
  const changes: NonNullable<InputChange['cluster']>[] = [
    { apiServer: { extraArgs: { v: '2' } } },
    { apiServer: { certSANs: ['api.example.net'] } },
    { controllerManager: { extraArgs: { v: '2' } } },
    { scheduler: { extraArgs: { v: '2' } } },
    { etcd: { extraArgs: { 'quota-backend-bytes': '4294967296' } } },
    { secretboxEncryptionSecret: null },
    { controlPlane: { localAPIServerPort: 7443 } },
  ];
  const all = [digest(), ...changes.map((cluster) => digest({ cluster }))];
  t.equal(new Set(all).size, all.length);
  t.match(all[0], /^[0-9a-f]{64}$/);
});

t.test('and nothing else: what is of this node, and of its kubelet', async (t) => {
  for (const change of [
    { machine: { nodeLabels: { zone: 'a' }, kubelet: { extraArgs: { v: '2' } } } },
    { facts: { addresses: ['10.5.0.9/24'], memoryBytes: 2 ** 33 } },
    { cluster: { token: 'abcdef.0123456789abcdef' } },
  ]) {
    t.equal(digest(change), digest(), Object.keys(change).join());
  }
});

t.test('the address of an API server is in its manifest', async (t) => {
  t.equal(advertisedAddress('    - kube-apiserver\n    - --advertise-address=10.5.0.2\n'), '10.5.0.2');
  t.equal(advertisedAddress('    - --advertise-address=fd00::2\n'), 'fd00::2');
  t.equal(advertisedAddress(''), undefined);
});
