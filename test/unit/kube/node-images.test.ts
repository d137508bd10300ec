import t from 'tap';
import { neededImages } from '../../../lib/kube/node-images.js';
import { findRelease } from '../../../lib/kube/release.js';
import { inputWith, RELEASES } from '../../helpers/kubernetes-input.js';

const needed = (...change: Parameters<typeof inputWith>) => {
  const { config, release } = inputWith(...change);
  return neededImages(config, release);
};

t.test('a control plane runs the whole of it, and what begins first comes first', (t) => {
  t.strictSame(needed(), [
    'k8s.gcr.io/pause:3.2',
    'k8s.gcr.io/etcd:3.4.13-0',
    'k8s.gcr.io/kube-apiserver:v1.20.2',
    'k8s.gcr.io/kube-controller-manager:v1.20.2',
    'k8s.gcr.io/kube-scheduler:v1.20.2',
    'k8s.gcr.io/kube-proxy:v1.20.2',
  ]);
  t.end();
});

t.test('a worker needs little of it', (t) => {
  const release = findRelease(RELEASES, 'v1.35.0');
  t.strictSame(needed({ type: 'worker', release }), [
    'registry.k8s.io/pause:3.10.1',
    'registry.k8s.io/kube-proxy:v1.35.0',
  ]);
  const change = { type: 'worker', release, cluster: { proxy: { disabled: true } } } as const;
  t.strictSame(needed(change), ['registry.k8s.io/pause:3.10.1'], 'and less where others do what kube-proxy does');
  t.end();
});
