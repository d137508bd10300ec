import { Command } from 'commander';
import type { Io } from '../io.js';
import { outputFormat, printResult, table } from '../output.js';

/** `osctl ps`: what runs on the nodes. */
export function psCommand(io: Io): Command {
  return new Command('ps')
    .aliases(['containers', 'c'])
    .description('list what runs on the nodes: services and containers')
    .option('-k, --kubernetes', 'those of Kubernetes, the kubelet among them, instead of those of the system')
    .action(async (flags: { kubernetes?: boolean }, command: Command) => {
      const format = outputFormat(command);
      const { MachineService, onlyMessage } = await import('../../client/index.js');
      const { askAll, nodeColumn, withSession } = await import('../session.js');
      await withSession(command, io, async (session) => {
        const request = flags.kubernetes ? { namespace: 'k8s.io', driver: 1 } : { namespace: 'system', driver: 0 };
        const { answers, finish } = await askAll(session, async ({ name, node }) => {
          const reply = await session.client.unary(MachineService.Containers, request, { node });
          return onlyMessage(reply, name).containers ?? [];
        });
        const rows = answers.flatMap(({ target, value }) =>
          value.map(({ namespace, id, image, pid, status }) => ({
            target,
            view: {
              node: target.name,
              namespace: namespace ?? '',
              id: id ?? '',
              image: image ?? '',
              pid: pid ?? 0,
              status: status ?? '',
            },
          })),
        );
        const { header, cell } = nodeColumn(session);
        const views = rows.map(({ view }) => view);
        printResult(io, format, views, () =>
          table(
            [...header, 'NAMESPACE', 'ID', 'IMAGE', 'PID', 'STATUS'],
            rows.map(({ target, view }) => [
              ...cell(target),
              view.namespace,
              view.id,
              view.image,
              view.pid === 0 ? '-' : String(view.pid),
              view.status,
            ]),
          ),
        );
        finish();
      });
    });
}
