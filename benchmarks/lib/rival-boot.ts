/** One boot of the Debian rival, until sshd and containerd have answered. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { DebianRival } from './debian-disk.js';
import { RIVAL_READY } from './debian-rival.js';
import { type RivalMachine, withRival } from './rival-machine.js';

export interface RivalSample {
  /** QEMU started → both services have answered. */
  readonly readySeconds: number;
  /** CPU time of QEMU until then. */
  readonly cpuSeconds: number;
}

const PATIENCE_MS = 300_000;
const SSH_PORT = 22;
/** An HTTP/2 client's preface with empty settings (RFC 9113, section 3.4): the server answers with its own. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');

/** In the header of a frame, after its length; and the type (RFC 9113, section 6.5). */
const FRAME_TYPE = 3;
const SETTINGS = 4;

/** Boots it once and ends it. */
export function bootRival(rival: DebianRival, machine: RivalMachine): Promise<RivalSample> {
  return withRival(rival, machine, { ports: [{ guest: SSH_PORT }], patienceMs: PATIENCE_MS }, async (running) => {
    await running.lineAt(RIVAL_READY);
    await Promise.all([
      answer(running.ports[0] ?? 0, (bytes) => bytes.toString('latin1').startsWith('SSH-2.0-')),
      answer(running.apiPort, (bytes) => bytes[FRAME_TYPE] === SETTINGS, HTTP2_PREFACE),
    ]);
    return { readySeconds: running.seconds(), cpuSeconds: running.cpuSeconds() };
  });
}

/** Connects and waits for the first bytes. @throws Error when they are not what the service says */
async function answer(port: number, isExpected: (bytes: Buffer) => boolean, hello?: Buffer): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    socket.on('connect', () => hello && socket.write(hello));
    const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
    if (!isExpected(bytes)) throw new Error(`port ${port} answered ${bytes.toString('hex', 0, 40)}`);
  } finally {
    socket.destroy();
  }
}
