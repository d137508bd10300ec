import { errorCode } from '../../base/errors.js';
import { ControlError } from '../../control/errors.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { isListening, SOCKET_PROTOCOLS, type Socket } from '../../os/proc/sockets.js';
import { readSockets, socketOwners } from '../../os/sockets.js';
import { unary } from './query.js';

/** Sockets of the node's own network namespace; those of pods are not served. */
export function netstatQuery() {
  return unary(api.Netstat, machine.Netstat, async ({ filter, feature, l4proto, netns }, { signal }) => {
    checkNamespaces(netns);
    const asked = SOCKET_PROTOCOLS.filter((name) => l4proto?.[name]);
    const all = await readSockets(asked.length === 0 ? SOCKET_PROTOCOLS : asked).catch(tooMany);
    const sockets = all.filter(matching(filter));
    if (!feature?.pid) return { connectrecord: sockets };
    const inodes = new Set(sockets.map(({ inode }) => inode).filter((inode) => inode !== 0));
    const owners = await socketOwners(inodes, { signal });
    return { connectrecord: sockets.map((socket) => ({ ...socket, process: owners.get(socket.inode) ?? null })) };
  });
}

function matching(filter: machine.NetstatRequest.Filter): (socket: Socket) => boolean {
  const { Filter } = machine.NetstatRequest;
  if (filter === Filter.LISTENING) return isListening;
  if (filter === Filter.CONNECTED) return (socket) => !isListening(socket);
  return () => true;
}

function tooMany(error: unknown): never {
  if (errorCode(error) !== 'EFBIG') throw error;
  throw new ControlError(
    'RESOURCE_EXHAUSTED',
    'there are more sockets than one answer holds: ask for fewer protocols',
    {
      cause: error,
    },
  );
}

function checkNamespaces(netns: machine.NetstatRequest.NetNS.$Properties | null | undefined): void {
  const names = netns?.netns ?? [];
  if (!netns?.allnetns && names.length === 0) return;
  const what = names.length === 0 ? 'all network namespaces' : `the network namespace ${JSON.stringify(names[0])}`;
  throw new ControlError(
    'INVALID_ARGUMENT',
    `${what} cannot be shown: this version shows the sockets of the host only`,
  );
}
