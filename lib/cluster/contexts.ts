import { type ClientConfig, removeContext as withoutContext } from '../config/client-config.js';
import { changeClientConfig, mergeIntoClientConfig } from '../config/client-config-file.js';

/**
 * Merges a cluster's context into the file and makes it the current one.
 * @returns the name it got: another one when its own was taken
 */
export async function addContext(file: string, config: ClientConfig): Promise<string> {
  const renamed = await mergeIntoClientConfig([file], config);
  return renamed.get(config.context) ?? config.context;
}

/** Takes a context out of the file, if it is there and still leads to this endpoint: its owner may have put another in its place. */
export async function dropContext(file: string, name: string, endpoint: string): Promise<void> {
  await changeClientConfig([file], (config) =>
    config.contexts[name]?.endpoints?.includes(endpoint) ? withoutContext(config, name) : undefined,
  );
}
