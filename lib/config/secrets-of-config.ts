import type { PemPair, SecretsBundle } from '../base/secrets-bundle.js';
import { type ParsedMachineConfig, problemIn } from './parse.js';
import { ConfigError, type ConfigProblem } from './problem.js';

/**
 * The secrets of a cluster out of the config of one of its control plane nodes.
 * @param what  for messages: a file's name
 * @throws ConfigError  naming every part that the config does not have
 */
export function secretsOfConfig(parsed: ParsedMachineConfig, what?: string): SecretsBundle {
  const { machine, cluster } = parsed.config;
  const problems: ConfigProblem[] = [];
  const need = (path: PropertyKey[], value: string | undefined): string => {
    if (value === undefined || value === '') problems.push(problemIn(parsed, path, 'is missing'));
    return value ?? '';
  };
  const pair = (path: PropertyKey[], value: PemPair | undefined): PemPair => ({
    crt: need([...path, 'crt'], value?.crt),
    key: need([...path, 'key'], value?.key),
  });
  const bundle: SecretsBundle = {
    cluster: {
      id: need(['cluster', 'id'], cluster.id),
      secret: need(['cluster', 'secret'], cluster.secret),
    },
    bootstrapToken: need(['cluster', 'token'], cluster.token),
    secretboxEncryptionSecret: need(['cluster', 'secretboxEncryptionSecret'], cluster.secretboxEncryptionSecret),
    machineToken: machine.token,
    certs: {
      os: pair(['machine', 'ca'], machine.ca),
      k8s: pair(['cluster', 'ca'], cluster.ca),
      k8sAggregator: pair(['cluster', 'aggregatorCA'], cluster.aggregatorCA),
      etcd: pair(['cluster', 'etcd', 'ca'], cluster.etcd?.ca),
      k8sServiceAccount: { key: need(['cluster', 'serviceAccount', 'key'], cluster.serviceAccount?.key) },
    },
  };
  if (problems.length > 0) throw new ConfigError(problems, what);
  return bundle;
}
