import { Command } from 'commander';
import type { Io } from '../io.js';

const EXAMPLES = `
Examples:
  osctl inject os --crt os.crt --key os.key controlplane.yaml
  osctl inject os --crt os.crt worker.yaml
  osctl inject kubernetes --crt kubernetes.crt --key kubernetes.key controlplane.yaml
  osctl inject identity --crt other-os.crt controlplane.yaml
`;

/** `osctl inject …`: puts certificates and keys from PEM files into a machine config. */
export function injectCommand(io: Io): Command {
  const command = (name: 'os' | 'kubernetes' | 'identity', description: string) => {
    const made = new Command(name)
      .description(description)
      .argument('<config>', 'the machine config that is changed')
      .requiredOption('--crt <file>', 'certificate of the authority (PEM)');
    if (name !== 'identity') made.option('--key <file>', 'its private key (PEM); a worker has none');
    return made.addHelpText('after', EXAMPLES).action(async (config: string, flags: { crt: string; key?: string }) => {
      const { inject } = await import('../inject.js');
      await inject(io, name, config, flags);
    });
  };
  return new Command('inject')
    .description('put certificates and keys into a machine config')
    .addCommand(command('os', 'the CA of the machine API (machine.ca)'))
    .addCommand(command('kubernetes', 'the CA of Kubernetes (cluster.ca)'))
    .addCommand(
      command(
        'identity',
        'a further CA whose clients are let in (machine.acceptedCAs); a node makes its own key itself',
      ),
    );
}
