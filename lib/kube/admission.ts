/** Configuration of admission plugins: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/ */
import type { Fields, FileToWrite, KubernetesConfig } from './input.js';
import { ADMISSION_FILE } from './paths.js';
import { type KubernetesRelease, minorOf } from './release.js';
import { yamlOf } from './yaml.js';

/** The first release whose API server has the plugin without a feature gate, and the first one with its configuration as v1. */
const POD_SECURITY = { since: 23, v1Since: 25 } as const;

interface Plugin {
  readonly name: string;
  readonly configuration: Fields;
}

/**
 * Pods may not take over their node (`baseline`), and whoever makes one that asks for more than it should is told so (`restricted`). Pods of the cluster
 * itself are left alone.
 */
function podSecurity(minor: number): Plugin {
  const version = minor >= POD_SECURITY.v1Since ? 'v1' : 'v1beta1';
  return {
    name: 'PodSecurity',
    configuration: {
      apiVersion: `pod-security.admission.config.k8s.io/${version}`,
      kind: 'PodSecurityConfiguration',
      defaults: {
        enforce: 'baseline',
        'enforce-version': 'latest',
        audit: 'restricted',
        'audit-version': 'latest',
        warn: 'restricted',
        'warn-version': 'latest',
      },
      exemptions: { usernames: [], runtimeClasses: [], namespaces: ['kube-system'] },
    },
  };
}

/** Absent where no plugin has a configuration. That of the machine config is in place of the node's. */
export function admissionFile(config: KubernetesConfig, release: KubernetesRelease): FileToWrite | undefined {
  const minor = minorOf(release);
  const asked: readonly Plugin[] = config.cluster.apiServer?.admissionControl ?? [];
  const own = minor >= POD_SECURITY.since ? [podSecurity(minor)] : [];
  const plugins = [...own.filter(({ name }) => !asked.some((plugin) => plugin.name === name)), ...asked];
  if (plugins.length === 0) return undefined;
  const text = yamlOf({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: plugins.map(({ name, configuration }) => ({ name, configuration })),
  });
  return { path: ADMISSION_FILE, mode: 0o600, text };
}
