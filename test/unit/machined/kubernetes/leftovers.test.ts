/** What is removed before kubeadm makes it anew. */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { removeLeftovers } from '../../../../lib/machined/kubernetes/leftovers.js';

t.test('what a control plane is made anew from, and nothing beside it', async (t) => {
  const names = ['admin.conf', 'controller-manager.conf', 'kubelet.conf', 'scheduler.conf'];
  const pki = ['apiserver.crt', 'apiserver.key', 'apiserver-etcd-client.crt', 'ca.crt'];
  const all = (list: readonly string[]) => Object.fromEntries(list.map((name) => [name, 'text']));
  const folder = t.testdir({ ...all(names), pki: all(pki) });
  const there = () => [...readdirSync(folder), ...readdirSync(`${folder}/pki`)].filter((name) => name !== 'pki').sort();
  await removeLeftovers(['server certificate'], [], folder);
  t.strictSame(there(), [...names, 'apiserver-etcd-client.crt', 'ca.crt'].sort());
  await removeLeftovers(['component kubeconfigs'], [], folder);
  t.strictSame(there(), ['admin.conf', 'apiserver-etcd-client.crt', 'ca.crt', 'kubelet.conf']);
  await removeLeftovers(['component kubeconfigs', 'server certificate'], [], folder);
});
