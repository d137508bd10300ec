import { errorMessage } from '../base/errors.js';
import { ControlClient } from '../control/client.js';
import { ControlServer } from '../control/server.js';
import { loadNative } from '../native/index.js';
import { findControl } from '../server/control-connection.js';
import { log } from '../server/log.js';
import { ALLOW_LIST, blockdHandlers } from './handlers.js';
import { deviceFilter } from './seccomp.js';

/**
 * blockd: looks into disks and writes on them, for machined. It has no capability, no network, no device node and no mount of the node: it works
 * on what machined has opened.
 *
 *   confined → connected to init → (init connects machined) → serving → (SIGTERM) → exit 0
 */
export async function main(): Promise<void> {
  const native = loadNative();
  const control = findControl(native);
  // Before a byte from anybody is looked at.
  native.process.installSeccomp(deviceFilter(process.pid));
  const server = new ControlServer({
    channels: native.channel,
    allow: ALLOW_LIST,
    handlers: blockdHandlers({ block: native.block, log }),
    log,
  });
  const init = new ControlClient(await control(), {
    channels: native.channel,
    onEvent(event, [socket, ...others]) {
      for (const other of others) other.close();
      if (event.kind === 'peerConnected' && socket) server.accept(socket, event.peer);
      else socket?.close();
    },
    onClose(error) {
      log(`the control connection is gone${error ? `: ${errorMessage(error)}` : ''}`);
      process.exit(1);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      log(`stopping: ${signal}`);
      process.exit(0);
    });
  }
  log('ready');
  await init
    .request('reportHealth', { healthy: true, message: 'Ready', service: '' })
    .catch((error) => log(`init was not told: ${errorMessage(error)}`));
}
