/**
 * The machine config: the Talos v1alpha1 shape, the part of it that this version acts on. Parts that Talos knows and we do not yet
 * are listed by name, so that a config made by talosctl is accepted with warnings while a misspelt field is an error.
 */
import * as z from 'zod';
import { cidr, endpoint, hostname, hostOrAddress, pemCertificate, pemKey, pemPair, secret32, token } from './fields.js';
import { nodeFields } from './kubelet-schema.js';
import { apiServerFields, clusterFields, etcdFields } from './kubernetes-schema.js';
import { checkSubnets } from './kubernetes-subnets.js';
import { cniSchema, manifestFields } from './manifest-schema.js';
import { networkFields } from './network-schema.js';
import { unsupported } from './unsupported.js';

const machineSchema = z
  .strictObject({
    ...unsupported('machine'),
    type: z.enum(['controlplane', 'worker']).describe('What the node is in the cluster.'),
    token: token.describe('Shown to trustd by a node that joins.'),
    ca: pemPair.describe('Signs the certificates of the machine API; without `key` on a worker.'),
    acceptedCAs: z
      .array(z.strictObject({ crt: pemCertificate }))
      .optional()
      .describe('Further CAs whose clients are accepted.'),
    certSANs: z.array(hostOrAddress).optional().describe("Further names and addresses for the node's own certificate."),
    network: z
      .strictObject({
        ...unsupported('machine.network'),
        ...networkFields,
      })
      .optional(),
    ...nodeFields,
    time: z
      .strictObject({
        ...unsupported('machine.time'),
        disabled: z.boolean().optional().describe('Nothing sets the clock by a time server.'),
        servers: z.array(hostOrAddress).max(16).optional().describe('Time servers, the first one first.'),
      })
      .optional(),
  })
  .describe('The node itself.');

const clusterSchema = z
  .strictObject({
    ...unsupported('cluster'),
    ...clusterFields,
    ...manifestFields,
    id: secret32.optional().describe('Name of the cluster for machines: base64 of 32 bytes.'),
    secret: secret32.optional().describe('Shared secret of all nodes: base64 of 32 bytes.'),
    controlPlane: z
      .strictObject({ endpoint, localAPIServerPort: z.int().min(1).max(65535).optional() })
      .describe('Where the Kubernetes API is reached.'),
    clusterName: z.string().min(1).max(253).optional(),
    network: z
      .strictObject({
        ...unsupported('cluster.network'),
        dnsDomain: hostname.optional(),
        podSubnets: z.array(cidr).optional(),
        serviceSubnets: z.array(cidr).optional(),
        cni: cniSchema.optional(),
      })
      .optional(),
    token: token.optional().describe('Joins a node to Kubernetes.'),
    secretboxEncryptionSecret: secret32.optional(),
    ca: pemPair.optional(),
    aggregatorCA: pemPair.optional(),
    serviceAccount: z.strictObject({ key: pemKey }).optional(),
    apiServer: z
      .strictObject({
        ...unsupported('cluster.apiServer'),
        ...apiServerFields,
        certSANs: z.array(hostOrAddress).optional(),
      })
      .optional(),
    etcd: z.strictObject({ ...unsupported('cluster.etcd'), ...etcdFields, ca: pemPair.optional() }).optional(),
  })
  .describe('The Kubernetes cluster that the node belongs to.');

export const machineConfigSchema = z
  .strictObject({
    version: z.literal('v1alpha1'),
    debug: z.boolean().optional().describe('true is not supported yet.'),
    persist: z.boolean().optional().describe('false is not supported yet.'),
    machine: machineSchema,
    cluster: clusterSchema,
  })
  .superRefine((config, context) => {
    if (config.machine.type === 'controlplane' && config.machine.ca.key === '') {
      context.addIssue({
        code: 'custom',
        path: ['machine', 'ca', 'key'],
        message: 'is missing: a control plane signs certificates',
      });
    }
    checkSubnets(config.cluster.network, context);
  });

/** As parsed: PEM decoded from base64. */
export type MachineConfig = z.output<typeof machineConfigSchema>;

/** JSON Schema (2020-12) of the main document, for editors and other tools. */
export function machineConfigJsonSchema(): Record<string, unknown> {
  return { title: 'Machine config', ...z.toJSONSchema(machineConfigSchema, { io: 'input' }) };
}
