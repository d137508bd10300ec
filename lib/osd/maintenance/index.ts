/** osd on a node that has no machine config: loaded there and nowhere else. */
import { errorMessage } from '../../base/errors.js';
import type { ControlLink } from '../../server/control-link.js';
import type { TlsMaterial } from '../../server/tls-material.js';
import { MaintenanceServer } from './server.js';

/** Serves until there is a config, or the process is to stop. */
export async function maintain(options: {
  link: Pick<ControlLink, 'init' | 'connectMachined'>;
  material: TlsMaterial;
  /** Number of a socket that is bound. */
  socket: number;
  /** Takes away what only beginning to listen needs. */
  confine(): void;
  until: AbortSignal;
  log(line: string): void;
}): Promise<void> {
  const { link, material, socket, confine, until, log } = options;
  const server = new MaintenanceServer({ material, machined: () => link.connectMachined(), log });
  const { address, port } = await server.listen({ fd: socket });
  confine();
  log(`maintenance mode: listening on ${address} port ${port}`);
  link.init.request('reportMaintenance', { port }).catch((error) => log(`init was not told: ${errorMessage(error)}`));
  if (!until.aborted) await new Promise((resolve) => until.addEventListener('abort', resolve, { once: true }));
  log(`maintenance mode is over: ${errorMessage(until.reason)}`);
  await server.close();
}
