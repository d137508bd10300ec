/** One attempt to fetch a machine config. */
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from '../../config/size.js';
import { type FetchOptions, fetchText } from '../../os/fetch-text.js';

/**
 * Fetches the text that a URL (http or https) names.
 * @throws FetchFailed  with the reason · the reason of `signal`
 */
export function fetchConfig(
  url: string,
  options: Omit<FetchOptions, 'maxBytes' | 'tooLarge' | 'headers'>,
): Promise<string> {
  return fetchText(url, { ...options, maxBytes: MAX_CONFIG_BYTES, tooLarge: CONFIG_TOO_LARGE });
}
