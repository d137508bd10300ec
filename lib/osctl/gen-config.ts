/** What `osctl gen config` does, apart from its definition. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretsBundle } from '../base/secrets-bundle.js';
import { generateConfig, parseSecrets, stringifyClientConfig, stringifySecrets } from '../config/index.js';
import { generateSecrets, issueClientCertificate, Role } from '../pki/index.js';
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
  const text = (type: OutputType) =>
    type === 'talosconfig' ? stringifyClientConfig(generated.talosconfig) : generated[type];
  const files: NewFile[] = [];
  if (flags.secretsOut !== undefined)
    files.push({ path: flags.secretsOut, text: stringifySecrets(secrets), isSecret: true });
  const [only] = types;
  if (flags.output === '-') {
    if (types.length !== 1 || only === undefined)
      throw new UsageError('only a single output type can go to stdout: choose one with --output-types');
    await writeNewFiles(io, files, flags.force ?? false);
    io.stdout.write(text(only));
    return;
  }
  if (types.length === 1 && only !== undefined && flags.output !== undefined) {
    files.push({ path: flags.output, text: text(only), isSecret: true });
  } else {
    const folder = flags.output ?? '.';
    await mkdir(folder, { recursive: true });
    files.push(...types.map((type) => ({ path: join(folder, OUTPUTS[type]), text: text(type), isSecret: true })));
  }
  await writeNewFiles(io, files, flags.force ?? false);
}

function outputTypes(wanted: string[] = Object.keys(OUTPUTS)): OutputType[] {
  const unknown = wanted.find((type) => !Object.hasOwn(OUTPUTS, type));
  if (unknown !== undefined) {
    throw new UsageError(`${JSON.stringify(unknown)} is no output type: there are ${Object.keys(OUTPUTS).join(', ')}`);
  }
  return [...new Set(wanted)] as OutputType[];
}

async function secretsOf(file: string | undefined): Promise<SecretsBundle> {
  return file === undefined ? generateSecrets() : parseSecrets(await readFile(file, 'utf8'), file);
}
