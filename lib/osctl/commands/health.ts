import { Command, Option } from 'commander';
import { MINUTE_MS } from '../../base/units.js';
import { durationFlag } from '../flags.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';

const EXAMPLES = `
Checks until all is well or the patience is at its end; the exit code is 1 then. Where a node has Kubernetes that is checked, too: kubelet, static pods, etcd,
its API, nodes, kube-proxy and DNS.

Examples:
  osctl health
  osctl health --wait-timeout 0s        once, without waiting
  osctl health -o json
`;

const DEFAULT_WAIT_MS = 20 * MINUTE_MS;

/** `osctl health`: whether the nodes are what they should be. */
export function healthCommand(io: Io): Command {
  return new Command('health')
    .description('check whether the nodes are well, and wait until they are')
    .addOption(
      new Option('--wait-timeout <duration>', 'patience for all to be well')
        .argParser((text) => (/^0[a-z]*$/.test(text) ? 0 : durationFlag(text)))
        .default(DEFAULT_WAIT_MS, '20m'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { waitTimeout: number }, command: Command) => {
      const format = outputFormat(command);
      const { checkHealth } = await import('../health.js');
      await checkHealth(command, io, format, flags.waitTimeout);
    });
}
