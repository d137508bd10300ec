/**
 * networkd: gets the node its address where none is written down. A user of its own, with CAP_NET_ADMIN and CAP_NET_RAW and nothing else;
 * PID 1 starts it only where it is needed. It may end at any time: what it has set stays, and the next run goes on from there.
 */
import { errorMessage } from '../base/errors.js';
import { MINUTE_MS } from '../base/units.js';
import { ControlClient } from '../control/client.js';
import type { NetworkFacts } from '../control/protocol.js';
import { loadNative } from '../native/index.js';
import { waitForInterface } from '../os/network.js';
import { DhcpInterface } from './dhcp-interface.js';

/** The connection to PID 1 that every service with `control` inherits. */
const CONTROL_DESCRIPTOR = 3;
/** Then this ends, and PID 1 starts it again: whoever reads the log sees for what it waits. */
const INTERFACE_TIMEOUT_MS = MINUTE_MS;

/** Serves the interface that PID 1 names until it is told to stop; then the process ends. */
export async function main(): Promise<void> {
  process.on('uncaughtException', (error) => giveUp(error));
  process.on('unhandledRejection', (error) => giveUp(error));

  const native = loadNative();
  const stop = new AbortController();
  let isGoingDown = false;
  const init = new ControlClient(native.descriptor.adopt(CONTROL_DESCRIPTOR), {
    channels: native.channel,
    onEvent: (event, descriptors) => {
      for (const descriptor of descriptors) descriptor.close();
      if (event.kind === 'shuttingDown') isGoingDown = true;
    },
    onClose: (error) => giveUp(error ?? new Error('PID 1 closed the connection')),
  });
  process.on('SIGTERM', () => stop.abort());

  const { body: task } = await init.request('describeDhcp', {});
  if (!task.wanted) {
    log('neither the kernel command line nor the config wants DHCP: there is nothing to do');
    process.exit(0);
  }
  const wanted = { name: task.link || undefined, timeoutMs: INTERFACE_TIMEOUT_MS, signal: stop.signal };
  const link = await waitForInterface(native.netlink, wanted).catch((error: unknown) => {
    if (stop.signal.aborted) process.exit(0);
    throw error;
  });
  log(`serving ${link.name} (${link.mac})`);
  const report = (facts: NetworkFacts) => {
    init.request('reportNetwork', { facts }).catch((error) => log(`init was not told: ${errorMessage(error)}`));
  };
  const served = new DhcpInterface({ native, link, hostname: task.hostname || undefined, report, log });
  // A node that goes down gives its address back; one whose networkd is only started again keeps it.
  stop.signal.addEventListener('abort', () => served.stop({ release: isGoingDown }));
  await served.run();
  process.exit(0);
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

/** PID 1 starts us again; the newest line of our log becomes part of our state, so the reason comes last. */
function giveUp(error: unknown): never {
  if (error instanceof Error && error.stack) process.stdout.write(`${error.stack}\n`);
  process.stdout.write(`networkd ends: ${errorMessage(error).split('\n')[0]}\n`);
  process.exit(1);
}
