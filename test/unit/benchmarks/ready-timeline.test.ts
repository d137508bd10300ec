import t from 'tap';
import { readyTimeline } from '../../../benchmarks/lib/ready-timeline.js';

const LOG = `2026-11-30T10:00:01.500Z the machine config was read from the config disk; host name one
2026-11-30T10:00:05.000Z init phase certs (1 of 11)
2026-11-30T10:00:05.100Z kubeadm: [certs] Using certificateDir folder
2026-11-30T10:00:07.000Z init phase kubeconfig (2 of 11)
no time at all
2026-11-30T10:00:07.500Z init phase kubeconfig (2 of 11) failed: no
2026-11-30T10:00:07.750Z init phase kubeconfig (2 of 11)
2026-11-30T10:00:09.000Z images of Kubernetes v1.20.2: 6 imported in 6.5 s, 6 there
2026-11-30T10:00:10.000Z Kubernetes v1.20.2: this node is the first control plane of its cluster, after 5.0 s
2026-11-30T10:00:11.000Z init phase certs (1 of 11)
`;

t.test('steps of a log, on the clock of the host', (t) => {
  t.strictSame(readyTimeline(LOG, 3500), [
    { name: 'certs', from: 7, until: 9 },
    { name: 'images', from: 4.5, until: 11 },
    { name: 'kubeconfig', from: 9, until: 12 },
  ]);
  t.end();
});

t.test('a log that does not reach membership is none', (t) => {
  t.throws(() => readyTimeline(LOG.split('\n').slice(0, 8).join('\n'), 0), /no way to membership/);
  t.throws(() => readyTimeline('', 0), /no way to membership/);
  t.end();
});
