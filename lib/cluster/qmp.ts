import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TalosError } from '../base/errors.js';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

interface QmpReply {
  readonly id?: number;
  readonly return?: Json;
  readonly error?: { class: string; desc: string };
  readonly event?: string;
  readonly data?: Record<string, Json>;
}

/**
 * A connection to QEMU's control socket (QMP, docs/interop/qmp-spec of QEMU). Serves one client at a time; QEMU queues further ones.
 * Emits 'event' (name, data) and 'close'; the latter also tells that QEMU has ended.
 */
export class QmpClient extends EventEmitter<{ event: [string, Record<string, Json>]; close: [] }> {
  readonly #socket: Socket;
  readonly #pending = new Map<number, { resolve: (value: Json) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #isClosed = false;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#accept(line));
    socket.once('close', () => this.#onClose());
    socket.on('error', () => socket.destroy());
  }

  /**
   * Connects and negotiates.
   * @throws ENOENT, ECONNREFUSED when QEMU is not there; a TalosError when it does not answer in time
   */
  static async connect(path: string, timeoutMs = 5000): Promise<QmpClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const client = new QmpClient(socket);
    try {
      await client.execute('qmp_capabilities', {}, timeoutMs);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /**
   * Runs one command.
   * @returns what QEMU returns
   * @throws TalosError ERR_QMP when QEMU refuses the command, closes the connection or does not answer in time
   */
  async execute(command: string, parameters: Record<string, Json> = {}, timeoutMs = 5000): Promise<Json> {
    if (this.#isClosed) throw new TalosError('ERR_QMP', `QEMU is gone; it cannot be asked to ${command}`);
    const id = this.#nextId++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Json>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new TalosError('ERR_QMP', `QEMU did not answer ${command}`)), timeoutMs);
        this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Closes the connection; QEMU runs on. */
  close(): void {
    this.#socket.end();
    this.#socket.destroy();
  }

  #accept(line: string): void {
    const reply = JSON.parse(line) as QmpReply;
    if (reply.event !== undefined) this.emit('event', reply.event, reply.data ?? {});
    const waiting = reply.id === undefined ? undefined : this.#pending.get(reply.id);
    if (!waiting) return;
    if (reply.error) waiting.reject(new TalosError('ERR_QMP', `QEMU refused: ${reply.error.desc}`));
    else waiting.resolve(reply.return ?? null);
  }

  #onClose(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(new TalosError('ERR_QMP', 'QEMU closed the connection'));
    this.#pending.clear();
    this.emit('close');
  }
}
