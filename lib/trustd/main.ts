import { errorMessage } from '../base/errors.js';
import { KIB } from '../base/units.js';
import { loadNative } from '../native/index.js';
import { findControl } from '../server/control-connection.js';
import { ControlLink } from '../server/control-link.js';
import { log } from '../server/log.js';
import { NodeIdentity } from '../server/node-identity.js';
import { listeningFilter, startFilter } from '../server/seccomp.js';
import { TrustServer } from './server.js';

const TRUST_PORT = 50001;
/** Of a connection: what is looked at in one turn of the loop, whatever a client sends. */
const RECEIVE_BUFFER_BYTES = 16 * KIB;

/**
 * trustd: what nodes that join the cluster talk to. It owns nothing, neither the CA's key nor the token: it reads a public key out of a
 * request and asks machined, over a connection that init makes for it.
 *
 *   confined → no certificate → (machined has issued one) → listening, confined further → (SIGTERM, or the node goes down) → exit 0
 *
 * Whatever goes wrong beyond one call ends the process; whoever started it starts it again.
 * @param port  0 in tests: any
 */
export async function main(port = TRUST_PORT): Promise<void> {
  const native = loadNative();
  const control = findControl(native);
  // Before a byte from anybody is looked at.
  native.process.installSeccomp(startFilter(process.pid, 'tcp'));
  const stop = new AbortController();
  const link = new ControlLink({
    socket: await control(),
    channels: native.channel,
    onShuttingDown: () => stop.abort(new Error('the node is going down')),
    onIdentityChanged: () => identity.renewSoon(),
    onLost: (error) => {
      log(`the control connection is gone${error ? `: ${errorMessage(error)}` : ''}`);
      process.exit(1);
    },
  });
  const identity = new NodeIdentity(link.issue, log);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort(new Error(signal)));

  try {
    const material = await identity.obtain(stop.signal);
    const server = new TrustServer({ material, machined: () => link.connectMachined(), log });
    const socket = native.descriptor.bindTcp(port, RECEIVE_BUFFER_BYTES);
    const listening = await server.listen({ fd: socket.releaseNumber() });
    native.process.installSeccomp(listeningFilter());
    log(`listening on ${listening.address} port ${listening.port}`);
    link.init
      .request('reportListening', { port: listening.port })
      .catch((error) => log(`init was not told: ${errorMessage(error)}`));
    const over = identity.keep(material, (renewed) => server.rotate(renewed), stop.signal);
    // Rejects when it is time to stop, and on nothing else.
    await over.catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    log(`stopping: ${errorMessage(stop.signal.reason)}`);
    await server.close();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  process.exit(0);
}
