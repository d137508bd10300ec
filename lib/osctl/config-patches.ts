/** Patches of machine configs as they are given on the command line. */
import { readText } from '../base/read-file.js';

/**
 * Changes a config by patches, one after the other.
 * @param given  each the text of one, or `@` and the name of a file
 * @param config  name of the config, for messages
 * @throws ConfigError · TalosError ERR_CONFIG_PATCH · a system error
 */
export async function patchedConfig(text: string, given: readonly string[], config: string): Promise<string> {
  if (given.length === 0) return text;
  const { patchConfig } = await import('../config/patch.js');
  let patched = text;
  for (const [index, each] of given.entries()) {
    const file = each.startsWith('@') ? each.slice(1) : undefined;
    const patch = file === undefined ? each : await readText(file);
    const name = file ?? (given.length === 1 ? 'the patch' : `patch ${index + 1} of ${given.length}`);
    patched = patchConfig(patched, patch, { config, patch: name });
  }
  return patched;
}
