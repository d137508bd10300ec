/** What `osctl gen config` does, apart from its definition. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '../base/read-file.js';
import type { SecretsBundle } from '../base/secrets-bundle.js';
import { generateConfig, parseSecrets, stringifyClientConfig, stringifySecrets } from '../config/index.js';
import { generateSecrets, issueClientCertificate, Role } from '../pki/index.js';
import { checkMachineConfig } from './check-config.js';
import { patchedConfig } from './config-patches.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { type NewFile, writeNewFiles } from './new-file.js';

const OUTPUTS = { controlplane: 'controlplane.yaml', worker: 'worker.yaml', talosconfig: 'talosconfig' } as const;
type OutputType = keyof typeof OUTPUTS;

export interface GenConfigFlags {
  output?: string;
  outputTypes?: string[];
  additionalSans?: string[];
  dnsDomain?: string;
  withSecrets?: string;
  secretsOut?: string;
  configPatch?: string[];
  configPatchControlPlane?: string[];
  configPatchWorker?: string[];
  force?: boolean;
}

export async function genConfig(io: Io, clusterName: string, endpoint: string, flags: GenConfigFlags): Promise<void> {
  const types = outputTypes(flags.outputTypes);
  const secrets = await secretsOf(flags.withSecrets);
  const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: [Role.admin] });
  const generated = generateConfig({
    clusterName,
    endpoint,
    secrets,
    admin,
    additionalSans: flags.additionalSans ?? [],
    ...(flags.dnsDomain === undefined ? {} : { dnsDomain: flags.dnsDomain }),
  });
  const texts: Record<OutputType, string> = {
    controlplane: await patched('controlplane', generated.controlplane, flags, flags.configPatchControlPlane),
    worker: await patched('worker', generated.worker, flags, flags.configPatchWorker),
    talosconfig: stringifyClientConfig(generated.talosconfig),
  };
  const files: NewFile[] = [];
  if (flags.secretsOut !== undefined)
    files.push({ path: flags.secretsOut, text: stringifySecrets(secrets), isSecret: true });
  const [only] = types;
  if (flags.output === '-') {
    if (types.length !== 1 || only === undefined)
      throw new UsageError('only a single output type can go to stdout: choose one with --output-types');
    await writeNewFiles(io, files, flags.force ?? false);
    io.stdout.write(texts[only]);
    return;
  }
  if (types.length === 1 && only !== undefined && flags.output !== undefined) {
    files.push({ path: flags.output, text: texts[only], isSecret: true });
  } else {
    const folder = flags.output ?? '.';
    await mkdir(folder, { recursive: true });
    files.push(...types.map((type) => ({ path: join(folder, OUTPUTS[type]), text: texts[type], isSecret: true })));
  }
  await writeNewFiles(io, files, flags.force ?? false);
}

/** What patches have made of it has to be a config still; lines in messages are those of the patched text. */
async function patched(
  type: 'controlplane' | 'worker',
  text: string,
  { configPatch = [] }: GenConfigFlags,
  own: string[] = [],
): Promise<string> {
  const patches = [...configPatch, ...own];
  const result = await patchedConfig(text, patches, OUTPUTS[type]);
  if (patches.length > 0) checkMachineConfig(result, `${OUTPUTS[type]}, patched,`);
  return result;
}

function outputTypes(wanted: string[] = Object.keys(OUTPUTS)): OutputType[] {
  const unknown = wanted.find((type) => !Object.hasOwn(OUTPUTS, type));
  if (unknown !== undefined) {
    throw new UsageError(`${JSON.stringify(unknown)} is no output type: there are ${Object.keys(OUTPUTS).join(', ')}`);
  }
  return [...new Set(wanted)] as OutputType[];
}

async function secretsOf(file: string | undefined): Promise<SecretsBundle> {
  return file === undefined ? generateSecrets() : parseSecrets(await readText(file), file);
}
