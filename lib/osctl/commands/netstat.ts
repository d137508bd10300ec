import { Command } from 'commander';
import type { Io } from '../io.js';
import type { SocketFlags } from '../socket-view.js';

/** `osctl netstat`: the sockets of the nodes. */
export function netstatCommand(io: Io): Command {
  return new Command('netstat')
    .alias('ss')
    .description('list the sockets of the nodes: connections, unless asked for others')
    .option('-a, --all', 'listening ones as well')
    .option('-l, --listening', 'listening ones only')
    .option('-t, --tcp', 'TCP only')
    .option('-u, --udp', 'UDP only')
    .option('-U, --udplite', 'UDP-Lite only')
    .option('-w, --raw', 'raw ones only')
    .option('-v, --verbose', 'all protocols, not just TCP and UDP')
    .option('-4, --ipv4', 'IPv4 only')
    .option('-6, --ipv6', 'IPv6 only')
    .option('-p, --programs', 'show the process that has it')
    .option('-x, --extend', 'show user and inode')
    .option('-o, --timers', 'show the timer that runs (the output format is --output here)')
    .action(async (flags: SocketFlags, command: Command) => {
      const { MachineService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      const { socketColumns, socketRequest, socketView } = await import('../socket-view.js');
      const request = socketRequest(flags);
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) => {
          const { connectrecord } = onlyMessage(await client.unary(MachineService.Netstat, request, { node }), name);
          return plain(connectrecord ?? []).map(socketView);
        },
        ...socketColumns(flags),
      });
    })
    .addHelpText(
      'after',
      `
Examples:
  osctl netstat -lp                who listens
  osctl netstat -at4               all of TCP over IPv4
  osctl netstat --output json      for programs`,
    );
}
