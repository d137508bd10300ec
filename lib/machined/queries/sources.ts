import type { NativeAddon } from '../../native/contract.js';
import type { Blockd } from '../blockd.js';
import type { ConfigKeeper } from '../config-keeper.js';
import type { Containers } from '../containers/containers.js';
import type { Disks } from '../disks.js';
import type { Kubernetes } from '../kubernetes/index.js';
import type { Volumes } from '../volumes/volumes.js';

/** What the queries work with. */
export interface QuerySources {
  native: NativeAddon;
  config: Pick<ConfigKeeper, 'running' | 'apply'>;
  blockd: Pick<Blockd, 'listDisks'>;
  disks: Pick<Disks, 'check' | 'wipeDevices'>;
  volumes: Pick<Volumes, 'checkWipe'>;
  containers: Pick<Containers, 'connection'>;
  kubernetes: Pick<Kubernetes, 'bootstrap' | 'kubelet' | 'leave' | 'restartKubelet'>;
  /** One line of our own log. */
  log(text: string): void;
}
