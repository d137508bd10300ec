/** What a machine config says about its node in Kubernetes: `machine.kubelet`, `machine.nodeLabels`, `machine.nodeTaints`. */
import * as z from 'zod';
import { ipAddress, isNetwork } from './fields.js';
import { flagsOf } from './flags.js';
import { smallObject } from './small-object.js';
import { unsupported } from './unsupported.js';

const MAX = { subnets: 16, labels: 64, taints: 32, servers: 3 } as const;

/** Fields of the kubelet's configuration that follow from other fields of the config, or are what makes a node safe. */
export const OWN_KUBELET_FIELDS: readonly string[] = [
  'apiVersion',
  'authentication',
  'authorization',
  'cgroupDriver',
  'cgroupRoot',
  'clusterDNS',
  'clusterDomain',
  'containerRuntimeEndpoint',
  'healthzBindAddress',
  'healthzPort',
  'kind',
  'port',
  'protectKernelDefaults',
  'readOnlyPort',
  'registerWithTaints',
  'resolvConf',
  'rotateCertificates',
  'staticPodPath',
  'staticPodURL',
  'volumePluginDir',
];

/** A network, or one that is left out: `!10.0.0.0/8`. */
const subnetChoice = z
  .string()
  .refine((text) => isNetwork(text.replace(/^!/, '')), 'is not a network such as 10.5.0.0/24 or !10.6.0.0/24');

const NAME = '[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?';
const PREFIX = '(?=.{1,253}/)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/';
const KEY = new RegExp(`^(${PREFIX})?${NAME}$`);
const VALUE = new RegExp(`^(${NAME})?$`);
const TAINT = new RegExp(`^((${NAME})?:)?(NoSchedule|PreferNoSchedule|NoExecute)$`);

/** Labels in Kubernetes' own domains that a kubelet may give to its node; it does not start with others. */
const OWN_LABELS: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

function isForbiddenLabel(key: string): boolean {
  const domain = key.includes('/') ? (key.split('/')[0] ?? '') : '';
  const isBelow = (parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  if (!isBelow('kubernetes.io') && !isBelow('k8s.io')) return false;
  return !OWN_LABELS.has(key) && !isBelow('kubelet.kubernetes.io') && !isBelow('node.kubernetes.io');
}

/** A map whose keys are those of labels and taints. */
function keyed(what: string, most: number, problemOf: (key: string, value: string) => string | undefined) {
  return z.record(z.string(), z.string()).superRefine((entries, context) => {
    const pairs = Object.entries(entries);
    if (pairs.length > most) context.addIssue({ code: 'custom', message: `has more than ${most} ${what}` });
    for (const [key, value] of pairs.slice(0, most)) {
      const message = KEY.test(key) ? problemOf(key, value) : 'is not a name such as example.org/rack';
      if (message !== undefined) context.addIssue({ code: 'custom', path: [key], message });
    }
  });
}

const kubeletSchema = z
  .strictObject({
    ...unsupported('machine.kubelet'),
    clusterDNS: z
      .array(ipAddress)
      .min(1)
      .max(MAX.servers)
      .optional()
      .describe('Absent: the tenth address of services.'),
    defaultRuntimeSeccompProfileEnabled: z
      .boolean()
      .optional()
      .describe(
        'Containers without a profile get that of the runtime: true unless said otherwise, from Kubernetes 1.25.',
      ),
    extraArgs: flagsOf('kubelet').optional(),
    extraConfig: smallObject(16)
      .superRefine((fields, context) => {
        for (const name of OWN_KUBELET_FIELDS.filter((own) => Object.hasOwn(fields, own))) {
          const message = 'is set by the node itself and cannot be changed here';
          context.addIssue({ code: 'custom', path: [name], message });
        }
      })
      .optional()
      .describe('Fields of KubeletConfiguration; a map is merged, anything else replaced.'),
    nodeIP: z
      .strictObject({
        validSubnets: z.array(subnetChoice).max(MAX.subnets).optional().describe('With !: not in there.'),
      })
      .optional()
      .describe('Which addresses of the node are those of the Node.'),
  })
  .describe('The kubelet of this node.');

/** Fields of `machine`. */
export const nodeFields = {
  kubelet: kubeletSchema.optional(),
  nodeLabels: keyed('labels', MAX.labels, (key, value) => {
    if (isForbiddenLabel(key)) return 'is a label that a node must not give itself';
    return VALUE.test(value) ? undefined : 'is not the value of a label';
  })
    .optional()
    .describe('Labels that the Node is registered with.'),
  nodeTaints: keyed('taints', MAX.taints, (_key, value) =>
    TAINT.test(value) ? undefined : 'is not an effect such as NoSchedule, or value:NoSchedule',
  )
    .optional()
    .describe('Taints that the Node is registered with: `<value>:<effect>` or `<effect>`.'),
};
