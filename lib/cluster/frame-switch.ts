/**
 * An Ethernet switch for machines in QEMU (`-netdev stream`): a Unix socket that each of them connects to. What they exchange is a
 * 32-bit length in network order and a frame, again and again (net/stream.c of QEMU).
 *
 * It learns which hardware address is behind which connection (IEEE 802.1D, without spanning tree: there are no loops) and gives a
 * frame to nobody else; what it has not learned yet, and what is for several, goes to all others. A machine that does not read loses
 * frames, as on a wire, and holds up nobody.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

const LENGTH_BYTES = 4;
/** Destination, source, type. */
const MIN_FRAME_BYTES = 14;
/** NET_BUFSIZE of QEMU (include/net/net.h). */
const MAX_FRAME_BYTES = 4096 + 65_536;
/** What waits for one machine, beyond what the kernel holds; more is dropped. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
/** Machines of a cluster have a few addresses each; the one that was learned first goes. */
const MAX_ADDRESSES = 4096;
const ADDRESS_BYTES = 6;
/** Set in the first byte of an address that is not one machine's. */
const GROUP_BIT = 1;

/** One machine's connection. */
interface Port {
  readonly socket: Socket;
  /** The beginning of a frame whose rest has not come yet. */
  rest: Buffer | undefined;
}

/** What a switch has counted since it listens. */
export interface FrameCounts {
  /** Frames that came in. */
  received: number;
  /** Frames that a machine did not get since it did not read. */
  dropped: number;
  /** Connections that were closed since what came was no frame. */
  refused: number;
}

/** @see the head of this file */
export class FrameSwitch {
  readonly counts: FrameCounts = { received: 0, dropped: 0, refused: 0 };
  readonly #server: Server;
  readonly #ports = new Set<Port>();
  readonly #places = new Map<number, Port>();
  readonly #onPorts: (connected: number) => void;

  /** @param onPorts  told how many machines are connected, whenever that changes */
  constructor(onPorts: (connected: number) => void = () => {}) {
    this.#onPorts = onPorts;
    this.#server = createServer((socket) => this.#connect(socket));
  }

  /**
   * Listens on a Unix socket.
   * @param file  its path, 107 bytes at most; relative to the working folder, or absolute
   * @throws as net.Server does: EADDRINUSE, EACCES, EINVAL
   */
  async listen(file: string): Promise<void> {
    this.#server.listen(file);
    await once(this.#server, 'listening');
  }

  /** Closes all connections and the socket. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const { socket } of this.#ports) socket.destroy();
    await closed;
  }

  #connect(socket: Socket): void {
    const port: Port = { socket, rest: undefined };
    this.#ports.add(port);
    this.#onPorts(this.#ports.size);
    socket.on('data', (chunk) => this.#take(port, chunk));
    // A machine that was switched off: 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#forget(port));
  }

  #forget(port: Port): void {
    this.#ports.delete(port);
    for (const [address, at] of this.#places) if (at === port) this.#places.delete(address);
    this.#onPorts(this.#ports.size);
  }

  /** Cuts what came into frames. */
  #take(port: Port, chunk: Buffer): void {
    const bytes = port.rest === undefined ? chunk : Buffer.concat([port.rest, chunk]);
    // What leads to the same machine leaves in one system call.
    for (const { socket } of this.#ports) socket.cork();
    let start = 0;
    while (bytes.length - start >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(start);
      if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) {
        this.counts.refused += 1;
        port.socket.destroy();
        break;
      }
      const end = start + LENGTH_BYTES + length;
      if (end > bytes.length) break;
      this.#forward(port, bytes.subarray(start, end));
      start = end;
    }
    port.rest = start === bytes.length ? undefined : bytes.subarray(start);
    for (const { socket } of this.#ports) socket.uncork();
  }

  /** @param packet  a frame with its length in front */
  #forward(from: Port, packet: Buffer): void {
    this.counts.received += 1;
    this.#learn(packet, from);
    const isForSeveral = ((packet[LENGTH_BYTES] as number) & GROUP_BIT) !== 0;
    const place = isForSeveral ? undefined : this.#places.get(packet.readUIntBE(LENGTH_BYTES, ADDRESS_BYTES));
    const to = place === undefined ? this.#ports : [place];
    for (const port of to) if (port !== from) this.#send(port, packet);
  }

  #learn(packet: Buffer, from: Port): void {
    const at = LENGTH_BYTES + ADDRESS_BYTES;
    if (((packet[at] as number) & GROUP_BIT) !== 0) return;
    const address = packet.readUIntBE(at, ADDRESS_BYTES);
    if (this.#places.get(address) === from) return;
    this.#places.set(address, from);
    if (this.#places.size <= MAX_ADDRESSES) return;
    const [oldest] = this.#places.keys();
    this.#places.delete(oldest as number);
  }

  #send({ socket }: Port, packet: Buffer): void {
    if (socket.writableLength + packet.length > MAX_QUEUED_BYTES) this.counts.dropped += 1;
    else socket.write(packet);
  }
}
