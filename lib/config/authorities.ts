import type { PemPair } from '../base/secrets-bundle.js';
import type { MachineConfig } from './schema.js';

/** Every authority in a machine config with the place where it stands; whether it is one, only lib/pki can tell. */
export function authoritiesOf(config: MachineConfig): { path: readonly PropertyKey[]; pair: PemPair }[] {
  const { machine, cluster } = config;
  const found: { path: readonly PropertyKey[]; pair: PemPair | undefined }[] = [
    { path: ['machine', 'ca'], pair: machine.ca },
    ...(machine.acceptedCAs ?? []).map(({ crt }, index) => ({
      path: ['machine', 'acceptedCAs', index],
      pair: { crt, key: '' },
    })),
    { path: ['cluster', 'ca'], pair: cluster.ca },
    { path: ['cluster', 'aggregatorCA'], pair: cluster.aggregatorCA },
    { path: ['cluster', 'etcd', 'ca'], pair: cluster.etcd?.ca },
  ];
  return found.flatMap(({ path, pair }) => (pair === undefined ? [] : [{ path, pair }]));
}
