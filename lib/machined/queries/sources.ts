import type { NativeAddon } from '../../native/contract.js';

/** What the queries work with. */
export interface QuerySources {
  native: NativeAddon;
}
