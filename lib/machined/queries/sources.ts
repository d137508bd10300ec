import type { NativeAddon } from '../../native/contract.js';
import type { ConfigKeeper } from '../config-keeper.js';
import type { DiskWiper } from '../disk-wiper.js';

/** What the queries work with. */
export interface QuerySources {
  native: NativeAddon;
  config: Pick<ConfigKeeper, 'running' | 'apply'>;
  disks: Pick<DiskWiper, 'check'>;
  /** One line of our own log. */
  log(text: string): void;
}
