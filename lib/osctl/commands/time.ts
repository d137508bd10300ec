import { Command } from 'commander';
import type { Io } from '../io.js';
import { outputFormat, printResult, table } from '../output.js';

const EXAMPLES = `
Examples:
  osctl time                          against the node's own time server
  osctl time --check pool.ntp.org     against another one
`;

/** `osctl time`: the nodes' clocks against a time server. */
export function timeCommand(io: Io): Command {
  return new Command('time')
    .description("compare the nodes' clocks with that of a time server")
    .option('-c, --check <server>', "a server of one's own choice: an address, or a name")
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { check?: string }, command: Command) => {
      const format = outputFormat(command);
      const { onlyMessage, TimeService } = await import('../../client/index.js');
      const { askAll, withSession } = await import('../session.js');
      const { timestampText } = await import('../timestamp.js');
      await withSession(command, io, async (session) => {
        const { answers, finish } = await askAll(session, async ({ name, node }) => {
          const reply =
            flags.check === undefined
              ? await session.client.unary(TimeService.Time, {}, { node })
              : await session.client.unary(TimeService.TimeCheck, { server: flags.check }, { node });
          const { server, localtime, remotetime } = onlyMessage(reply, name);
          return {
            node: name,
            server: server ?? '',
            nodeTime: timestampText(localtime),
            serverTime: timestampText(remotetime),
          };
        });
        const views = answers.map(({ value }) => value);
        printResult(io, format, views, () =>
          table(
            ['NODE', 'NTP-SERVER', 'NODE-TIME', 'NTP-SERVER-TIME'],
            views.map(({ node, server, nodeTime, serverTime }) => [node, server, nodeTime, serverTime]),
          ),
        );
        finish();
      });
    });
}
