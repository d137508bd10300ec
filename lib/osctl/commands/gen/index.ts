import { Command } from 'commander';
import { HOUR_MS } from '../../../base/units.js';
import { collectPatches, collectWords, wholeNumber } from '../../flags.js';
import type { Io } from '../../io.js';

/** Lifetime of what talosctl generates: ten years for an authority, one for the rest. */
const CA_HOURS = 87_600;
const CERTIFICATE_HOURS = 8_760;

const SECRETS_EXAMPLES = `
Examples:
  osctl gen secrets
  osctl gen config demo https://10.5.0.2:6443 --with-secrets secrets.yaml
  osctl gen secrets --from-controlplane-config controlplane.yaml -o secrets.yaml
`;

const toMs = ({ hours }: { hours: number }) => hours * HOUR_MS;

/** `osctl gen …`: keys, certificates and machine configs, without a node. */
export function genCommand(io: Io): Command {
  const actions = () => import('../../gen-actions.js');
  const hours = wholeNumber(1, 1_000_000);
  return new Command('gen')
    .description('generate keys, certificates and machine configs')
    .addCommand(
      new Command('ca')
        .description('make a self-signed CA: NAME.crt, NAME.key, NAME.sha256')
        .requiredOption('--organization <name>', 'organization of its subject; also the name of the files')
        .option('--hours <n>', 'lifetime', hours, CA_HOURS)
        .option('--rsa', 'an RSA key instead of an Ed25519 one')
        .option('-f, --force', 'overwrite files')
        .action(async (flags: { organization: string; hours: number; rsa?: boolean; force?: boolean }) =>
          (await actions()).genCa(io, { ...flags, lifetimeMs: toMs(flags) }),
        ),
    )
    .addCommand(
      new Command('key')
        .description('make a private key: NAME.key')
        .requiredOption('--name <name>', 'name of the file')
        .option('-f, --force', 'overwrite files')
        .action(async (flags: { name: string; force?: boolean }) => (await actions()).genKey(io, flags)),
    )
    .addCommand(
      new Command('csr')
        .description('make a certificate signing request: KEY.csr')
        .requiredOption('--key <file>', 'private key')
        .requiredOption('--ip <address>', 'address that the certificate is for')
        .option('--roles <list>', 'roles', collectWords)
        .option('-f, --force', 'overwrite files')
        .action(async (flags: { key: string; ip: string; roles?: string[]; force?: boolean }) =>
          (await actions()).genCsr(io, flags),
        ),
    )
    .addCommand(
      new Command('crt')
        .description('sign a request with a CA: NAME.crt')
        .requiredOption('--ca <name>', 'the CA: NAME.crt and NAME.key are read')
        .requiredOption('--csr <file>', 'the request')
        .requiredOption('--name <name>', 'name of the file')
        .option('--hours <n>', 'lifetime', hours, CERTIFICATE_HOURS)
        .option('-f, --force', 'overwrite files')
        .action(async (flags: { ca: string; csr: string; name: string; hours: number; force?: boolean }) =>
          (await actions()).genCrt(io, { ...flags, lifetimeMs: toMs(flags) }),
        ),
    )
    .addCommand(
      new Command('keypair')
        .description('make a self-signed server certificate: NAME.crt, NAME.key')
        .requiredOption('--ip <address>', 'address that the certificate is for')
        .requiredOption('--organization <name>', 'name of the files')
        .option('-f, --force', 'overwrite files')
        .action(async (flags: { ip: string; organization: string; force?: boolean }) =>
          (await actions()).genKeypair(io, flags),
        ),
    )
    .addCommand(
      new Command('secrets')
        .description(
          'make the secrets of a cluster, from which `gen config --with-secrets` makes the same configs again',
        )
        .option('-o, --output-file <file>', 'where they go; - for standard output', 'secrets.yaml')
        .option('--from-controlplane-config <file>', 'take them from the config of a control plane node')
        .option('-f, --force', 'overwrite the file')
        .addHelpText('after', SECRETS_EXAMPLES)
        .action(async (flags: { outputFile: string; fromControlplaneConfig?: string; force?: boolean }) => {
          const { genSecrets } = await import('../../gen-secrets.js');
          await genSecrets(io, flags);
        }),
    )
    .addCommand(genConfigCommand(io));
}

function genConfigCommand(io: Io): Command {
  return new Command('config')
    .description('make the machine configs of a cluster and the client config of its administrator')
    .argument('<name>', 'name of the cluster')
    .argument('<endpoint>', 'URL of the Kubernetes API: https://10.5.0.2:6443')
    .option('-o, --output <folder>', 'where the files go; with a single output type: the file, or - for stdout')
    .option('-t, --output-types <list>', 'controlplane, worker, talosconfig', collectWords)
    .option('--additional-sans <list>', 'further names and addresses for certificates', collectWords)
    .option('--dns-domain <domain>', 'domain of the cluster')
    .option('--with-secrets <file>', 'use the secrets of a file instead of making new ones')
    .option('--secrets-out <file>', 'keep the secrets in a file')
    .option(
      '--config-patch <patch>',
      'piece of a config to merge in, or JSON patch, or @file with either',
      collectPatches,
    )
    .option('--config-patch-control-plane <patch>', 'the same for control planes only', collectPatches)
    .option('--config-patch-worker <patch>', 'the same for workers only', collectPatches)
    .option('-f, --force', 'overwrite files')
    .action(async (name: string, endpoint: string, flags: Record<string, never>) => {
      const { genConfig } = await import('../../gen-config.js');
      await genConfig(io, name, endpoint, flags);
    });
}
