/** Column `st` of /proc/net/tcp (proc_net(5); include/net/tcp_states.h): the connection is there, and neither side has ended it. */
const ESTABLISHED = '01';

/**
 * How many connections over IPv4 lead to a port.
 * @param table  text of /proc/net/tcp, or of the same file of a process
 */
export function establishedTo(port: number, table: string): number {
  const remotePort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = table.split('\n').slice(1);
  return rows.filter((row) => {
    const [, , remote = '', state] = row.trim().split(/\s+/);
    return remote.endsWith(remotePort) && state === ESTABLISHED;
  }).length;
}
