/**
 * Where the process of one container gets its control connection: a socket in a folder that is mounted into that container and into no other,
 * and that only its user can enter. Whoever connects is looked at, and handed an end of a connection to init whose peer is this container.
 *
 *   listening → (somebody connects) → looked at → (init has made a connection) → handed over → a pause → listening
 *                                        └ of another user, or outside of the container: closed
 *
 * One at a time, and not faster than one a pause: a container that connects for ever keeps nobody busy but itself. Nothing that it sends is read.
 * The folder outlives machined: the next one listens in the same, and the mounts of what runs lead to its socket.
 */
import { chmod, chown, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { CONTROL_MESSAGE, CONTROL_SOCKET } from '../../control/container-socket.js';
import type { Channel, ChannelListener, ChannelModule, FileDescriptor } from '../../native/contract.js';
import type { ContainerDefinition } from './definition.js';

export interface ControlDoorOptions {
  channels: Pick<ChannelModule, 'listen' | 'open'>;
  /** Asks init for the container's end. */
  openControl(id: string): Promise<FileDescriptor>;
  /** Each reason once in a row. */
  log(text: string): void;
  /** Resolves after so long. */
  sleep(ms: number): Promise<void>;
  /** The control group of a process, as the kernel shows it. */
  cgroupOf?(pid: number): Promise<string>;
  /** Where the folders of all containers are. */
  folder?: string;
}

/** On a tmpfs; nobody but root gets past it except through a mount. */
const FOLDER = '/run/machined/control';
const PAUSE_MS = SECOND_MS / 4;

/** The folder of one container. Its id has no slash (definition.ts). */
export function controlFolder(id: string, folder: string = FOLDER): string {
  return join(folder, id);
}

export class ControlDoor {
  private listener: ChannelListener | undefined;
  private lastReason = '';

  constructor(
    private readonly definition: Pick<ContainerDefinition, 'id' | 'uid' | 'gid'>,
    private readonly options: ControlDoorOptions,
  ) {}

  /** Listens, in place of an earlier machined. Rejects as the system calls do. */
  async open(): Promise<void> {
    const { id, uid, gid } = this.definition;
    const { folder: all = FOLDER } = this.options;
    const folder = controlFolder(id, all);
    await mkdir(all, { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true, mode: 0o500 });
    await chown(folder, uid, gid);
    const socket = join(folder, CONTROL_SOCKET);
    // Under its name only when it is what it should be; in place of the earlier one at once.
    const made = `${socket}.new`;
    await rm(made, { force: true });
    const listener = this.options.channels.listen(made);
    this.listener = listener;
    await chown(made, uid, gid);
    await chmod(made, 0o600);
    await rename(made, socket);
    void this.serve(listener).catch((error: unknown) => {
      if (errorCode(error) !== 'ECANCELED') this.tell(`is not listened to any more: ${errorMessage(error)}`);
    });
  }

  close(): void {
    this.listener?.close();
  }

  private async serve(listener: ChannelListener): Promise<void> {
    for (;;) {
      await listener.wait();
      try {
        const socket = listener.accept();
        if (socket) await this.handOver(socket);
      } catch (error) {
        if (errorCode(error) === 'ECANCELED') throw error;
        this.tell(errorMessage(error));
      }
      await this.options.sleep(PAUSE_MS);
    }
  }

  private async handOver(socket: FileDescriptor): Promise<void> {
    const { channels, openControl } = this.options;
    const { id } = this.definition;
    const ignored = (descriptors: FileDescriptor[]) => {
      for (const descriptor of descriptors) descriptor.close();
    };
    const channel = channels.open(
      socket,
      { maxMessageBytes: CONTROL_MESSAGE.length },
      { onMessage: (_message, descriptors) => ignored(descriptors), onClose: () => {} },
    );
    try {
      const reason = await this.reasonToRefuse(channel);
      if (reason !== undefined) return this.tell(reason);
      const control = await openControl(id);
      // A socket on which nothing was sent before takes it at once, or its other side has gone.
      channel.send(CONTROL_MESSAGE, [control]);
      control.close();
      this.lastReason = '';
    } finally {
      channel.close();
    }
  }

  private async reasonToRefuse(channel: Channel): Promise<string | undefined> {
    const { id, uid } = this.definition;
    const peer = channel.peer();
    if (peer.uid !== uid) return `refused a process of user ${peer.uid}`;
    const { cgroupOf = readCgroup } = this.options;
    const cgroup = await cgroupOf(peer.pid).catch(() => 'none');
    return cgroup === `/system/${id}` ? undefined : `refused process ${peer.pid}, which is not in its group`;
  }

  private tell(what: string): void {
    if (what !== this.lastReason) this.options.log(`control socket of ${this.definition.id}: ${what}`);
    this.lastReason = what;
  }
}

/** Of cgroup v2, cgroups(7). */
async function readCgroup(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).replace(/^0::/, '').trimEnd();
}
