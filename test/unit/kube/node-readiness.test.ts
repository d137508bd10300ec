/** Which nodes are Ready, out of what the Kubernetes API says. */
import t from 'tap';
import { readinessOf, unreadyNodes } from '../../../lib/kube/node-readiness.js';
import { kubeNode } from '../../helpers/kube-nodes.js';

t.test('a node says whether it is Ready, and why it is not', async (t) => {
  t.same(readinessOf(kubeNode('a')), { name: 'a', isReady: true, why: '', kubeletVersion: 'v1.20.2' });
  t.match(readinessOf(kubeNode('a', 'no network')), { isReady: false, why: 'no network' });
  t.equal(readinessOf(kubeNode('a', 'line\n\u001b[2J'))?.why, 'line\\x0a\\x1b[2J', 'it cannot drive a terminal');
  t.equal(readinessOf(kubeNode('a', 'x'.repeat(9999)))?.why.length, 300);
  const silent = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' };
  t.match(readinessOf({ metadata: { name: 'a' }, status: { conditions: [silent] } }), {
    isReady: false,
    why: 'NodeStatusUnknown',
  });
  t.same(readinessOf({ metadata: { name: 'a' } }), { name: 'a', isReady: false, why: '', kubeletVersion: '' });
  t.match(readinessOf({ metadata: { name: 'a' }, status: { conditions: 'none' } }), { isReady: false });
  for (const object of [{}, { metadata: null }, { metadata: { name: 7 } }, { metadata: { name: '' } }]) {
    t.equal(readinessOf(object), undefined, JSON.stringify(object));
  }
});

t.test('what is missing', async (t) => {
  const nodes = [readinessOf(kubeNode('a')), readinessOf(kubeNode('b', 'no network')), readinessOf(kubeNode('c', ''))];
  const known = nodes.filter((node) => node !== undefined);
  t.same(unreadyNodes(known), ['b is not Ready: no network', 'c is not Ready']);
  t.same(unreadyNodes(known.slice(0, 1), ['a', 'd']), ['d has not joined']);
  t.same(unreadyNodes(known.slice(0, 1), ['a']), []);
  t.same(unreadyNodes([], ['a']), ['a has not joined'], 'a cluster without nodes is not Ready');
});
