/** What a machine config says about the components of Kubernetes: fields of `cluster`, beside those that schema.ts has. */
import * as z from 'zod';
import { cidr, secret32 } from './fields.js';
import { flagsOf } from './flags.js';
import { smallObject } from './small-object.js';
import { unsupported } from './unsupported.js';

const MAX_PLUGINS = 32;

/** Fields of `cluster.apiServer`. */
export const apiServerFields = {
  extraArgs: flagsOf('apiServer').optional(),
  auditPolicy: smallObject(256)
    .refine(
      (policy) => policy.apiVersion === 'audit.k8s.io/v1' && policy.kind === 'Policy',
      'is not a Policy of audit.k8s.io/v1',
    )
    .optional()
    .describe('What is written to the audit log. Absent: who did what to which object, without contents.'),
  admissionControl: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'is not the name of an admission plugin'),
        configuration: smallObject(64),
      }),
    )
    .max(MAX_PLUGINS)
    .refine((plugins) => new Set(plugins.map(({ name }) => name)).size === plugins.length, 'names a plugin twice')
    .optional()
    .describe('Configuration of admission plugins, in place of that of the node.'),
};

/** Fields of `cluster.etcd`. */
export const etcdFields = {
  extraArgs: flagsOf('etcd').optional(),
  advertisedSubnets: z
    .array(cidr)
    .max(16)
    .optional()
    .describe("The node's address, which is etcd's too, must be in one of them."),
  subnet: cidr.optional().describe('The older form of advertisedSubnets.'),
};

/** Fields of `cluster` that are about Kubernetes' components alone. */
export const clusterFields = {
  aescbcEncryptionSecret: secret32
    .optional()
    .describe('Key of the secrets at rest, as older clusters have it; secretboxEncryptionSecret is used first.'),
  allowSchedulingOnControlPlanes: z.boolean().optional().describe('Control planes take any pod.'),
  controllerManager: z
    .strictObject({ ...unsupported('cluster.controllerManager'), extraArgs: flagsOf('controllerManager').optional() })
    .optional(),
  scheduler: z
    .strictObject({ ...unsupported('cluster.scheduler'), extraArgs: flagsOf('scheduler').optional() })
    .optional(),
  proxy: z
    .strictObject({
      ...unsupported('cluster.proxy'),
      disabled: z.boolean().optional().describe('There is no kube-proxy.'),
      mode: z.enum(['iptables', 'nftables']).optional(),
    })
    .optional(),
  coreDNS: z
    .strictObject({
      ...unsupported('cluster.coreDNS'),
      disabled: z.boolean().optional().describe('There is no CoreDNS.'),
    })
    .optional(),
};
