import t from 'tap';
import { namesOf } from '../../../../lib/machined/containers/names.js';

t.test('containers of pods have the names of Kubernetes, others their own', (t) => {
  const pod = { 'io.kubernetes.pod.namespace': 'kube-system', 'io.kubernetes.pod.name': 'etcd-1' };
  const id = '0123456789abcdef';
  t.same(namesOf({ id: 'trustd', labels: {} }), { id: 'trustd', podId: 'trustd', name: 'trustd' });
  t.same(namesOf({ id, labels: pod }), { id: 'kube-system/etcd-1', podId: 'kube-system/etcd-1', name: 'etcd-1' });
  t.same(namesOf({ id, labels: { ...pod, 'io.kubernetes.container.name': 'etcd' } }), {
    id: 'kube-system/etcd-1:etcd:0123456789ab',
    podId: 'kube-system/etcd-1',
    name: 'etcd',
  });
  t.end();
});
