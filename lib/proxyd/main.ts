import { errorMessage } from '../base/errors.js';
import { loadNative } from '../native/index.js';
import { findControl } from '../server/control-connection.js';
import { ControlLink } from '../server/control-link.js';
import { log } from '../server/log.js';
import { listeningFilter, startFilter } from '../server/seccomp.js';
import { Balancer } from './balancer.js';
import { ConfigSource } from './config-source.js';

/** Where everything on the node that talks to the Kubernetes API finds it. Nobody from elsewhere does. */
const HOST = '127.0.0.1';
const PORT = 7445;

/**
 * proxyd: the Kubernetes API at an address that is the same on every node and that a dead control plane does not take with it. It moves
 * bytes, which are TLS between others, and can read none of them.
 *
 *   confined → listening, confined further → (SIGTERM, or the node goes down) → exit 0
 *
 * @param port  0 in tests: any
 */
export async function main(port = PORT): Promise<void> {
  const native = loadNative();
  const control = findControl(native);
  // Before a byte from anybody is looked at.
  native.process.installSeccomp(startFilter(process.pid));
  const stop = new AbortController();
  const link = new ControlLink({
    socket: await control(),
    channels: native.channel,
    // The pods that use it are still there: init, or containerd, ends this process when it is its turn.
    onShuttingDown: () => {},
    onApiServersChanged: () => source.refresh(),
    onLost: (error) => {
      log(`the control connection is gone${error ? `: ${errorMessage(error)}` : ''}`);
      process.exit(1);
    },
  });
  const source = new ConfigSource({
    machined: () => link.connectMachined(),
    resolve: async (name, servers) => (await import('../os/resolve.js')).resolveAll(name, servers),
    log,
  });
  let hasReached = false;
  const tell = (isAnyUp: boolean) => {
    hasReached ||= isAnyUp;
    const message = isAnyUp ? 'a server of the Kubernetes API is up' : 'no server of the Kubernetes API can be reached';
    link.init
      // Before there is a cluster nobody serves its API, and nothing is wrong with that.
      .request('reportHealth', { healthy: isAnyUp || !hasReached, message, service: '' })
      .catch((error) => log(`init was not told: ${errorMessage(error)}`));
  };
  const balancer = new Balancer({ native, log, onHealth: tell });
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort(new Error(signal)));

  const listening = await balancer.listen(HOST, port);
  native.process.installSeccomp(listeningFilter(true));
  log(`listening on ${listening.address} port ${listening.port}`);
  link.init
    .request('reportListening', { port: listening.port })
    .catch((error) => log(`init was not told: ${errorMessage(error)}`));
  try {
    await source.follow((servers) => balancer.use(servers), stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    log(`stopping: ${errorMessage(stop.signal.reason)}`);
  }
  balancer.close();
  process.exit(0);
}
