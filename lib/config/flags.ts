/** Flags of the components of Kubernetes as a config has them, and those that are not for it to set. */
import * as z from 'zod';

const MAX = { flags: 64, value: 4096 } as const;
const FLAG = /^[a-z][a-z0-9-]{0,63}$/;

/** Flags that follow from other fields of the config, or on which it depends that nodes can join: by component. */
export const OWN_FLAGS = {
  apiServer: [
    'admission-control-config-file',
    'advertise-address',
    'anonymous-auth',
    'audit-policy-file',
    'authorization-mode',
    'bind-address',
    'client-ca-file',
    'enable-bootstrap-token-auth',
    'encryption-provider-config',
    'etcd-cafile',
    'etcd-certfile',
    'etcd-keyfile',
    'etcd-servers',
    'insecure-port',
    'kubelet-client-certificate',
    'kubelet-client-key',
    'proxy-client-cert-file',
    'proxy-client-key-file',
    'requestheader-allowed-names',
    'requestheader-client-ca-file',
    'secure-port',
    'service-account-key-file',
    'service-account-signing-key-file',
    'service-cluster-ip-range',
    'tls-cert-file',
    'tls-private-key-file',
    'token-auth-file',
  ],
  controllerManager: [
    'allocate-node-cidrs',
    'authentication-kubeconfig',
    'authorization-kubeconfig',
    'client-ca-file',
    'cluster-cidr',
    'cluster-name',
    'cluster-signing-cert-file',
    'cluster-signing-key-file',
    'flex-volume-plugin-dir',
    'kubeconfig',
    'requestheader-client-ca-file',
    'root-ca-file',
    'service-account-private-key-file',
    'service-cluster-ip-range',
  ],
  scheduler: ['authentication-kubeconfig', 'authorization-kubeconfig', 'kubeconfig'],
  etcd: [
    'advertise-client-urls',
    'auto-tls',
    'cert-file',
    'client-cert-auth',
    'data-dir',
    'initial-advertise-peer-urls',
    'initial-cluster',
    'initial-cluster-state',
    'key-file',
    'listen-client-urls',
    'listen-peer-urls',
    'name',
    'peer-auto-tls',
    'peer-cert-file',
    'peer-client-cert-auth',
    'peer-key-file',
    'peer-trusted-ca-file',
    'trusted-ca-file',
  ],
  kubelet: [
    'anonymous-auth',
    'authorization-mode',
    'bootstrap-kubeconfig',
    'cert-dir',
    'cgroup-driver',
    'cgroup-root',
    'client-ca-file',
    'cluster-dns',
    'cluster-domain',
    'config',
    'config-dir',
    'container-runtime',
    'container-runtime-endpoint',
    'hostname-override',
    'kubeconfig',
    'node-ip',
    'node-labels',
    'pod-manifest-path',
    'read-only-port',
    'register-with-taints',
    'root-dir',
    'runtime-cgroups',
  ],
} as const;

/** As talosctl, a number or a truth value counts as its text. */
const value = z
  .union([z.string(), z.number(), z.boolean()], 'must be a text')
  .transform(String)
  .refine((text) => text.length <= MAX.value, `must be at most ${MAX.value} characters long`);

/** Flags of one component, without their dashes. */
export function flagsOf(component: keyof typeof OWN_FLAGS) {
  const own: readonly string[] = OWN_FLAGS[component];
  // kubeadm writes them into a file of words, without quotes.
  const isWord = (text: string) => component !== 'kubelet' || /^[!-~]*$/.test(text);
  return z
    .record(z.string(), value)
    .superRefine((flags, context) => {
      const names = Object.keys(flags);
      if (names.length > MAX.flags) context.addIssue({ code: 'custom', message: `has more than ${MAX.flags} flags` });
      for (const name of names.slice(0, MAX.flags)) {
        const path = [name];
        if (!isWord(flags[name] ?? '')) {
          context.addIssue({ code: 'custom', path, message: 'must be of letters, digits and marks, without blanks' });
        }
        if (!FLAG.test(name)) {
          context.addIssue({
            code: 'custom',
            path,
            message: 'is not the name of a flag, which has no dashes before it',
          });
        } else if (own.includes(name)) {
          context.addIssue({ code: 'custom', path, message: 'is set by the node itself and cannot be changed here' });
        }
      }
    })
    .describe('Flags without their dashes; they win over those of the node.');
}
