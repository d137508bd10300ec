import { Command } from 'commander';
import type { Io } from '../io.js';

/** `osctl interfaces`: the network interfaces of the nodes, with their addresses. */
export function interfacesCommand(io: Io): Command {
  return new Command('interfaces')
    .alias('addresses')
    .description('list the network interfaces of the nodes, and their addresses')
    .action(async (_flags: unknown, command: Command) => {
      const { NetworkService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) =>
          plain(onlyMessage(await client.unary(NetworkService.Interfaces, {}, { node }), name).interfaces ?? []),
        header: ['INTERFACE', 'STATE', 'MAC', 'MTU', 'KIND', 'MASTER', 'ADDRESSES'],
        cells: ({ name, up, carrier, hardwareAddress, mtu, kind, master, addresses }) => [
          name,
          up ? (carrier ? 'up' : 'no carrier') : 'down',
          hardwareAddress || '-',
          String(mtu),
          kind || '-',
          master || '-',
          addresses.map(addressText).join(' ') || '-',
        ],
      });
    })
    .addHelpText(
      'after',
      `
Behind an address stands who made it: config, dhcp, ra (a router advertisement), kernel; nothing for others.

Examples:
  osctl interfaces
  osctl interfaces -o json         with scopes and lifetimes, for programs`,
    );
}

interface AddressView {
  address: string;
  source: string;
  flags: string[];
}

function addressText({ address, source, flags }: AddressView): string {
  const notes = [source, ...flags.filter((flag) => flag === 'tentative' || flag === 'dadfailed')];
  const said = notes.filter((note) => note !== '').join(', ');
  return said === '' ? address : `${address} (${said})`;
}

/** `osctl routes`: the routes of the nodes. */
export function routesCommand(io: Io): Command {
  return new Command('routes')
    .alias('route')
    .description('list the routes of the nodes')
    .option('-a, --all', 'of all tables, those to the node itself too')
    .action(async ({ all = false }: { all?: boolean }, command: Command) => {
      const { NetworkService, onlyMessage, plain } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) =>
          plain(onlyMessage(await client.unary(NetworkService.Routes, { all }, { node }), name).routes ?? []),
        header: [
          'DESTINATION',
          'GATEWAY',
          'INTERFACE',
          'SOURCE',
          'METRIC',
          'PROTOCOL',
          ...(all ? ['TYPE', 'TABLE'] : []),
        ],
        cells: (route) => [
          route.destination,
          [route.gateway, ...route.nextHops.map(({ gateway }) => gateway)].filter((text) => text !== '').join(' ') ||
            '-',
          [route.interface, ...route.nextHops.map((hop) => hop.interface)].filter((text) => text !== '').join(' ') ||
            '-',
          route.source || '-',
          String(route.metric),
          route.protocol,
          ...(all ? [route.type, String(route.table)] : []),
        ],
      });
    })
    .addHelpText(
      'after',
      `
PROTOCOL is who made it: config, dhcp, ra (a router advertisement), kernel, and others as ip-route(8) has them.

Examples:
  osctl routes
  osctl routes --all -o json       everything, for programs`,
    );
}
