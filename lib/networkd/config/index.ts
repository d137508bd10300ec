/** Fetching the machine config: loaded by a node that has none and is told of a place where there is one. */
import { shownUrl } from '../../base/shown-url.js';
import { KIB } from '../../base/units.js';
import { type UrlValues, withValues } from '../../config/url-variables.js';
import { ControlClient } from '../../control/client.js';
import { MAX_FRAME_BYTES } from '../../control/protocol.js';
import type { NativeAddon } from '../../native/contract.js';
import { ConfigFetcher, type Offer } from './config-fetcher.js';
import { fetchConfig } from './fetch-config.js';

export type { ConfigFetcher } from './config-fetcher.js';

/** The rest of the frame takes less than what is left. */
const MAX_PART_BYTES = MAX_FRAME_BYTES - 4 * KIB;
const NAMELESS = { upload: 0, source: '', isDryRun: false, problem: '' };

/** The fetcher of this node; what it has fetched goes to machined, over a connection that is made for it. */
export function configFetcher(options: {
  native: Pick<NativeAddon, 'channel'>;
  init: Pick<ControlClient, 'request'>;
  resolve(name: string): Promise<string[]>;
  hasAddress(): boolean;
  /** Names of the node in the URL, asked for each attempt: it may get another host name meanwhile. */
  values(): UrlValues;
  log(text: string): void;
}): ConfigFetcher {
  const { native, init, resolve, hasAddress, values, log } = options;
  return new ConfigFetcher({
    fetch: (url, signal) => fetchConfig(withValues(url, values()), { resolve, signal }),
    offer: async (offer) => {
      const { descriptors } = await init.request('connect', { peer: 'machined' });
      const [socket, ...others] = descriptors;
      for (const other of others) other.close();
      if (!socket) throw new Error('init sent no connection to machined');
      const machined = new ControlClient(socket, { channels: native.channel });
      try {
        await handOver(machined, offer);
      } finally {
        machined.close();
      }
    },
    shown: (url) => shownUrl(withValues(url, values())),
    hasAddress,
    log,
  });
}

async function handOver(machined: Pick<ControlClient, 'request'>, offer: Offer): Promise<void> {
  if ('problem' in offer) {
    await machined.request('offerConfig', { ...NAMELESS, data: new Uint8Array(), problem: offer.problem });
    return;
  }
  const data = Buffer.from(offer.text);
  const upload = 1;
  for (let at = 0; at < data.length; at += MAX_PART_BYTES) {
    await machined.request('uploadPart', { upload, data: data.subarray(at, at + MAX_PART_BYTES) });
  }
  await machined.request('offerConfig', { ...NAMELESS, data: new Uint8Array(), upload, source: offer.source });
}
