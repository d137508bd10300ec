import { Command } from 'commander';
import type { Io } from '../io.js';
import { outputFormat, printResult } from '../output.js';

/** `osctl restart`: SIGTERM to one service or container. */
export function restartCommand(io: Io): Command {
  return new Command('restart')
    .description('restart a service or container: it gets SIGTERM and is started again')
    .argument('<id>', 'the service or container, as `osctl ps` shows it')
    .option('-k, --kubernetes', 'one of Kubernetes instead of one of the system')
    .action(async (id: string, flags: { kubernetes?: boolean }, command: Command) => {
      const format = outputFormat(command);
      const { MachineService, onlyMessage } = await import('../../client/index.js');
      const { askAll, withSession } = await import('../session.js');
      const place = flags.kubernetes ? { namespace: 'k8s.io', driver: 1 } : { namespace: 'system', driver: 0 };
      await withSession(command, io, async (session) => {
        const { answers, finish } = await askAll(session, async ({ name, node }) => {
          onlyMessage(await session.client.unary(MachineService.Restart, { ...place, id }, { node }), name);
          io.stderr.write(`${name}: ${id} is being restarted\n`);
        });
        const views = answers.map(({ target }) => ({ node: target.name, namespace: place.namespace, id }));
        printResult(io, format, views, () => '');
        finish();
      });
    })
    .addHelpText(
      'after',
      `
Does not wait until it runs again: \`osctl service ID\` shows that.

Examples:
  osctl restart machined
  osctl restart -k kube-system/etcd-1:etcd:0123456789ab    a container of a pod: the kubelet starts it again`,
    );
}
