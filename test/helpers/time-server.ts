/** A time server (SNTP) of the test's own. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const EPOCH_SECONDS = 2_208_988_800;

export function writeTime(packet: Buffer, offset: number, timeMs: number): void {
  const seconds = Math.floor(timeMs / 1000);
  packet.writeUInt32BE((seconds + EPOCH_SECONDS) % 2 ** 32, offset);
  packet.writeUInt32BE(Math.floor(((timeMs - seconds * 1000) / 1000) * 2 ** 32), offset + 4);
}

/** A good answer to a request. */
export function answerTo(request: Buffer, { aheadMs = 0, takesMs = 0 } = {}): Buffer {
  const packet = Buffer.alloc(48);
  packet[0] = 0x24;
  packet[1] = 2;
  packet.writeUInt32BE(0x0000_0800, 4);
  packet.writeUInt32BE(0x0000_0800, 8);
  request.copy(packet, 24, 40, 48);
  const now = Date.now() + aheadMs;
  writeTime(packet, 32, now - takesMs);
  writeTime(packet, 40, now);
  return packet;
}

/** Answers with this machine's time until it is closed. Port 123 needs root, and nobody else on it. */
export async function serveTime(address: string, port = 123): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (request, from) => socket.send(answerTo(request), from.port, from.address));
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}
