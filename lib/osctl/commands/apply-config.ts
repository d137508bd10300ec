import { Command, Option } from 'commander';
import { MINUTE_MS } from '../../base/units.js';
import { collectFingerprints, collectPatches, durationFlag } from '../flags.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

const EXAMPLES = `
Modes:
  auto       without a reboot if the changes allow it, else with one
  no-reboot  refused when a change needs a reboot
  reboot     stored, then the node reboots
  staged     stored for the next boot, whenever that is
  try        taken back after --timeout unless the config is applied again in another mode

Examples:
  osctl apply-config -f controlplane.yaml --dry-run
  osctl -n 10.5.0.2 apply-config -f controlplane.yaml
  osctl apply-config -f controlplane.yaml -p 'machine: {network: {hostname: node-2}}' -p @more.yaml
  osctl apply-config -f worker.yaml -p '[{"op": "replace", "path": "/machine/network/hostname", "value": "node-3"}]'
  osctl apply-config -f controlplane.yaml -m try --timeout 2m
  osctl -n 192.0.2.5 apply-config --insecure -f controlplane.yaml
`;

/** `osctl apply-config`: gives the nodes a machine config. */
export function applyConfigCommand(io: Io): Command {
  return new Command('apply-config')
    .alias('apply')
    .description('give the nodes a machine config')
    .requiredOption('-f, --file <file>', 'the config; - for standard input')
    .addOption(
      new Option('-m, --mode <mode>', 'how').choices(['auto', 'no-reboot', 'reboot', 'staged', 'try']).default('auto'),
    )
    .option(
      '-p, --config-patch <patch>',
      'piece of a config to merge in, or JSON patch, or @file with either; may be given several times',
      collectPatches,
    )
    .option('--dry-run', 'only show what would change')
    .option(
      '-i, --insecure',
      'to nodes without a machine config (in maintenance mode): no certificates, --nodes says which',
    )
    .option(
      '--cert-fingerprint <fingerprint>',
      'with --insecure: only to a node with this certificate; its console shows the fingerprint',
      collectFingerprints,
    )
    .addOption(
      new Option('--timeout <duration>', 'with mode try: when the config is taken back (default: 1m)')
        .argParser(durationFlag)
        .default(MINUTE_MS, '1m'),
    )
    .addHelpText('after', EXAMPLES)
    .action(
      async (
        flags: {
          file: string;
          mode: 'auto' | 'no-reboot' | 'reboot' | 'staged' | 'try';
          dryRun?: boolean;
          timeout: number;
          configPatch?: string[];
          insecure?: boolean;
          certFingerprint?: string[];
        },
        command: Command,
      ) => {
        const format = outputFormat(command);
        const { applyConfig } = await import('../apply-config.js');
        await applyConfig(command, io, format, flags);
      },
    );
}
