/** What kubeadm is asked to do, in which order: the phases of its own workflows, as `kubeadm init phase` and `kubeadm join phase` name them. */
import { ownKubeconfigs } from '../../kube/kubeadm/credentials.js';
import { type KubernetesRelease, minorOf } from '../../kube/release.js';
import type { Leftover } from './leftovers.js';

/** How a node becomes a member: it makes the cluster, or joins one that is there. */
export type MembershipKind = 'init' | 'join';

export type Phase =
  | {
      /** In the journal, and for people. Unique in its table. */
      readonly name: string;
      /** Arguments of kubeadm, without its configuration. */
      readonly kubeadm: readonly string[];
      /** kubeadm writes what the kubelet is to do, and expects it to be started by the system. */
      readonly startsKubelet?: true;
      /** What of it is in the way when it is run again after a cut. */
      readonly leaves?: readonly Leftover[];
    }
  /** Waits until the node's own server of the Kubernetes API is ready. In kubeadm's workflow as well, but not to be run alone in all versions. */
  | { readonly name: 'wait-control-plane'; readonly kubeadm?: undefined };

export interface PhaseChoice {
  kind: MembershipKind;
  nodeType: 'controlplane' | 'worker';
  release: Pick<KubernetesRelease, 'version' | 'images'>;
  /** Pods reach services by kube-proxy, unless the config leaves that to another. */
  withKubeProxy: boolean;
  /** False: the config leaves the names of services to another. */
  withCoreDns: boolean;
}

/** The first release whose joining kubelet may be told to use the control plane beside it: two phases more, which it hides. */
const FIRST_WITH_HIDDEN_PHASES = 31;
const SHOWN_JOIN_PHASES = [
  ...['preflight', 'control-plane-prepare', 'kubelet-start', 'control-plane-join', 'wait-control-plane'],
];

const init = (...words: string[]) => ['init', 'phase', ...words];
const join = (...words: string[]) => ['join', 'phase', ...words];

/** The phases of a node, the first one first. `preflight` and `upload-certs` are left out: docs/adr/0017. */
export function phasesOf({ kind, nodeType, release, withKubeProxy, withCoreDns }: PhaseChoice): readonly Phase[] {
  if (kind === 'join') return joinPhases(nodeType, release);
  const kubeconfig: Phase = { name: 'kubeconfig', kubeadm: init('kubeconfig', 'all'), leaves: ['kubeconfigs'] };
  return [
    { name: 'certs', kubeadm: init('certs', 'all'), leaves: ['certificates'] },
    ...(ownKubeconfigs(release) === 'all' ? [] : [kubeconfig]),
    { name: 'kubelet-start', kubeadm: init('kubelet-start'), startsKubelet: true },
    { name: 'etcd', kubeadm: init('etcd', 'local') },
    { name: 'apiserver', kubeadm: init('control-plane', 'apiserver') },
    { name: 'wait-control-plane' },
    // Not before: without a server they end, are started again later each time, and take processor time from the server that starts.
    { name: 'controller-manager', kubeadm: init('control-plane', 'controller-manager') },
    { name: 'scheduler', kubeadm: init('control-plane', 'scheduler') },
    { name: 'upload-config', kubeadm: init('upload-config', 'all') },
    { name: 'mark-control-plane', kubeadm: init('mark-control-plane') },
    { name: 'bootstrap-token', kubeadm: init('bootstrap-token', '--skip-token-print') },
    // From here on the kubelet's own file names the certificate that it renews.
    { name: 'kubelet-finalize', kubeadm: init('kubelet-finalize', 'all') },
    ...(withKubeProxy ? [{ name: 'addon-kube-proxy', kubeadm: init('addon', 'kube-proxy') }] : []),
    ...(withCoreDns && release.images.coredns !== undefined
      ? [{ name: 'addon-coredns', kubeadm: init('addon', 'coredns') }]
      : []),
  ];
}

/**
 * By which the control plane of a member becomes what the config says now. They ask nobody, so they may be run before anything is up, and they are the same
 * however the node became a member: kubeadm's upgrade does it in this way as well.
 */
export function remakePhases(
  release: PhaseChoice['release'],
): readonly { kubeadm: readonly string[]; leaves?: readonly Leftover[] }[] {
  // Names of the server may be others, and components ask the server of their own node, whose port may be: what is there would be kept.
  const [server, components] = [['server certificate'], ['component kubeconfigs']] as const;
  const servers = [{ kubeadm: init('etcd', 'local') }, { kubeadm: init('control-plane', 'all') }];
  if (ownKubeconfigs(release) !== 'none') {
    return [{ kubeadm: init('certs', 'apiserver'), leaves: [...server, ...components] }, ...servers];
  }
  return [
    { kubeadm: init('certs', 'apiserver'), leaves: server },
    { kubeadm: init('kubeconfig', 'controller-manager'), leaves: components },
    { kubeadm: init('kubeconfig', 'scheduler') },
    ...servers,
  ];
}

function joinPhases(nodeType: PhaseChoice['nodeType'], release: PhaseChoice['release']): readonly Phase[] {
  const start: Phase = { name: 'kubelet-start', kubeadm: join('kubelet-start'), startsKubelet: true };
  // Phases that are hidden cannot be named after `phase`, but all others can be left out.
  const hidden: Phase[] =
    minorOf(release) >= FIRST_WITH_HIDDEN_PHASES
      ? [{ name: 'kubelet-wait-bootstrap', kubeadm: ['join', `--skip-phases=${SHOWN_JOIN_PHASES.join(',')}`] }]
      : [];
  if (nodeType === 'worker') return [start, ...hidden];
  const prepare = (part: string) => join('control-plane-prepare', part);
  const prepared: Phase[] =
    ownKubeconfigs(release) === 'all'
      ? [
          { name: 'control-plane-certs', kubeadm: prepare('certs'), leaves: ['certificates'] },
          { name: 'control-plane-prepare', kubeadm: prepare('control-plane') },
        ]
      : [{ name: 'control-plane-prepare', kubeadm: prepare('all'), leaves: ['certificates', 'kubeconfigs'] }];
  return [
    ...prepared,
    start,
    ...hidden,
    { name: 'control-plane-join', kubeadm: join('control-plane-join', 'all') },
    { name: 'wait-control-plane' },
  ];
}
