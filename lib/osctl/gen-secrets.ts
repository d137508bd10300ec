/** What `osctl gen secrets` does, apart from its definition. */
import { readText } from '../base/read-file.js';
import { secretsOfConfig, stringifySecrets } from '../config/index.js';
import { generateSecrets } from '../pki/index.js';
import { checkMachineConfig } from './check-config.js';
import type { Io } from './io.js';
import { writeNewFiles } from './new-file.js';

export async function genSecrets(
  io: Io,
  {
    outputFile,
    fromControlplaneConfig: source,
    force = false,
  }: { outputFile: string; fromControlplaneConfig?: string; force?: boolean },
): Promise<void> {
  const secrets =
    source === undefined
      ? await generateSecrets()
      : secretsOfConfig(checkMachineConfig(await readText(source), source), source);
  const text = stringifySecrets(secrets);
  if (outputFile === '-') io.stdout.write(text);
  else await writeNewFiles(io, [{ path: outputFile, text, isSecret: true }], force);
}
