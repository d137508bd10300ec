import { withSignals } from '../base/abort.js';
import { errorMessage } from '../base/errors.js';
import { KIB } from '../base/units.js';
import { loadNative } from '../native/index.js';
import { ControlLink } from '../server/control-link.js';
import { log } from '../server/log.js';
import { NodeIdentity } from '../server/node-identity.js';
import { listeningFilter, startFilter } from '../server/seccomp.js';
import { API_PORT } from './api-port.js';
import { OsdServer } from './server.js';

/** Of a connection: what is looked at in one turn of the loop, whatever a client sends. Requests are small, and a machine config may take its time. */
const RECEIVE_BUFFER_BYTES = 16 * KIB;
/** Given by init: the end of the control connection. */
const CONTROL_DESCRIPTOR = 3;

/**
 * osd: the API of the node. Owns nothing: what it shows and does it asks of init, over the connection that it was born with.
 *
 *   confined → no certificate → (machined has issued one) → listening, confined further → (SIGTERM, or the node goes down) → draining → exit 0
 *   no certificate → (machined has issued one) → listening → (the node goes down) → draining → (SIGTERM, or no client is left) → exit 0
 *
 * On a node without a machine config it serves the way to bring one (maintenance/) until there is one, and ends: the osd that init starts then
 * has nothing in it that a stranger has sent.
 *
 * Whatever goes wrong beyond one call ends the process; init starts it again.
 * @param apiPort  0 in tests: any
 */
export async function main(apiPort = API_PORT): Promise<void> {
  const native = loadNative();
  // Before a byte from anybody is looked at. If it fails this process ends: osd does not run unconfined.
  native.process.installSeccomp(startFilter(process.pid));
  const stop = new AbortController();
  const configChanged = new AbortController();
  const link = new ControlLink({
    socket: native.descriptor.adopt(CONTROL_DESCRIPTOR),
    channels: native.channel,
    onShuttingDown: () => stop.abort(new Error('the node is going down')),
    onIdentityChanged: () => identity.renewSoon(),
    onConfigChanged: () => configChanged.abort(new Error('there is another machine config')),
    onEvents: () => server?.context.events.notify(),
    onLost: (error) => {
      log(`the control connection is gone${error ? `: ${errorMessage(error)}` : ''}`);
      process.exit(1);
    },
  });
  const identity = new NodeIdentity(link.issue, log);
  let server: OsdServer | undefined;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      process.once(signal, () => {
        stop.abort(new Error(signal));
        resolve();
      });
    }
  });

  try {
    const material = await identity.obtain(stop.signal);
    if (material.isMaintenance) {
      const { maintain } = await import('./maintenance/index.js');
      const socket = native.descriptor.bindTcp(apiPort, RECEIVE_BUFFER_BYTES);
      await withSignals([stop.signal, configChanged.signal], (until) =>
        maintain({
          ...{ link, material, log, until },
          socket: socket.releaseNumber(),
          confine: () => native.process.installSeccomp(listeningFilter()),
        }),
      );
      process.exit(0);
    }
    const serving = new OsdServer({
      material,
      init: link.init,
      machined: () => link.connectMachined(),
      ring: native.ring,
      kmsg: native.kmsg,
      log,
    });
    server = serving;
    const socket = native.descriptor.bindTcp(apiPort, RECEIVE_BUFFER_BYTES);
    const { address, port } = await serving.listen({ fd: socket.releaseNumber() });
    native.process.installSeccomp(listeningFilter());
    log(`listening on ${address} port ${port}`);
    // For whoever watches the console; the API works without it.
    link.init.request('reportListening', { port }).catch((error) => log(`init was not told: ${errorMessage(error)}`));
    const over = identity.keep(material, (renewed) => serving.rotate(renewed), stop.signal);
    // Rejects when it is time to stop, and on nothing else.
    await over.catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    log(`stopping: ${errorMessage(stop.signal.reason)}`);
    // While the node goes down its followers stay: init stops this process when it is its turn.
    await Promise.race([serving.drain(), asked]);
    await serving.close();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  process.exit(0);
}
