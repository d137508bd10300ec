/**
 * A folder of containerd that it cannot start with. What is in it can be had again, so a node that never ran a container any more for its sake
 * would be the worse choice: it is moved aside, and containerd begins with an empty one. Whether the folder was to blame is found out and not guessed:
 *
 *   containerd has ended FAILURES times in this boot, has never answered,   it is stopped, the folder moved aside, and it is started again
 *   nothing runs from its folder, and the file system has room
 *   … and it answers                                                       the folder was to blame: it stays aside
 *   … and it ends again                                                    it was not: it is put back, and nothing is tried any more in this boot
 *
 * Each step is written down before it is done (folder-move.ts), so that a machined that ends in the middle leaves no containerd that stays stopped.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { errorCode, errorMessage } from '../../base/errors.js';
import { MIB } from '../../base/units.js';
import type { ControlClient } from '../../control/client.js';
import type { Service } from '../../control/protocol.js';
import type { FileSystemSpace, MountInfo } from '../../native/contract.js';
import { stopService } from '../stop-service.js';
import type { FolderMove, FolderMoveKind, FolderMoveStore } from './folder-move.js';

export interface ContainerdFolderOptions {
  init: Pick<ControlClient, 'request'>;
  /** Of the file system that the folder is on. */
  space(): Promise<Pick<FileSystemSpace, 'availableBytes' | 'isReadOnly'>>;
  mounts(): readonly Pick<MountInfo, 'mountPoint'>[];
  /** Something a person should know. */
  problem(text: string): void;
  /** How far it was, for the next machined of this boot. */
  store: FolderMoveStore;
  root?: string;
  /** Where what runs is mounted. */
  state?: string;
}

const ID = 'containerd';
const ROOT = '/var/lib/containerd';
const STATE = '/run/containerd';
/** The kernel, the disk and we ourselves may be at fault for one or two. */
const FAILURES = 4;
/** With an empty folder. */
const TRIES = 2;
/** A full disk is another trouble, and one that moving a folder does not end. */
const ROOM_BYTES = 64 * MIB;

export class ContainerdFolder {
  private known: FolderMove | undefined;

  constructor(private readonly options: ContainerdFolderOptions) {}

  private get root(): string {
    return this.options.root ?? ROOT;
  }

  private get aside(): string {
    return `${this.root}.set-aside`;
  }

  /** containerd answers. Never rejects. */
  async answered(): Promise<void> {
    try {
      const { kind, restarts } = await this.move();
      const hasEmptyFolder = kind === 'moved' || kind === 'trying' || kind === 'putting-back';
      if (hasEmptyFolder && (await exists(this.aside))) {
        this.options.problem(
          `containerd could not start with its folder, and does without: what was in it is in ${this.aside}, images are fetched again`,
        );
      }
      await this.enter('done', restarts);
    } catch (error) {
      this.options.problem(`it is not known what became of the folder of containerd: ${errorMessage(error)}`);
    }
  }

  /** containerd does not answer, and has not so far. Never rejects. */
  async silent(): Promise<void> {
    if (this.known?.kind === 'done') return;
    try {
      const { kind, restarts } = await this.move();
      // What a machined of this boot was about when it ended: containerd may be stopped for its sake.
      if (kind === 'setting-aside') return await this.setAside(restarts);
      if (kind === 'moved') return await this.tryWithout(restarts);
      if (kind === 'putting-back') return await this.putBack(restarts);
      const service = await this.service();
      // Whoever has stopped it does not want it to run.
      if (service === undefined || service.state === 'Finished' || service.state === 'Stopping') return;
      if (kind === 'watching') await this.consider(service);
      else if (kind === 'trying' && service.restarts - restarts >= TRIES) await this.putBack(restarts);
    } catch (error) {
      this.options.problem(`the folder of containerd was not moved: ${errorMessage(error)}`);
      this.known = { kind: 'done', restarts: 0 };
      await this.options.store.write(this.known).catch(() => {});
    }
  }

  private async consider({ restarts, lastLogLine }: Service): Promise<void> {
    if (restarts < FAILURES || !(await this.mayBeToBlame())) return;
    await this.setAside(restarts, lastLogLine.trim());
  }

  private async setAside(restarts: number, lastLogLine = ''): Promise<void> {
    await this.enter('setting-aside', restarts);
    await this.whileStopped(async () => {
      // Else it was moved before: nobody makes a new one while containerd is stopped.
      if (await exists(this.root)) {
        // Of an earlier boot: nobody has asked for it since.
        await rm(this.aside, { recursive: true, force: true });
        await rename(this.root, this.aside);
      }
      await this.enter('moved', restarts);
    });
    await this.enter('trying', restarts);
    const last = lastLogLine === '' ? '' : `, the last time with: ${lastLogLine}`;
    this.options.problem(
      `containerd has ended ${restarts} times at its start${last}; it is tried with an empty folder`,
    );
  }

  private async tryWithout(restarts: number): Promise<void> {
    await this.start();
    await this.enter('trying', restarts);
  }

  private async mayBeToBlame(): Promise<boolean> {
    const { mounts, space, state = STATE } = this.options;
    // What runs there was started by a containerd that could use the folder.
    if (mounts().some(({ mountPoint }) => mountPoint.startsWith(`${state}/`))) return false;
    const { availableBytes, isReadOnly } = await space();
    if (isReadOnly || availableBytes < ROOM_BYTES) return false;
    return await exists(this.root);
  }

  private async putBack(restarts: number): Promise<void> {
    await this.enter('putting-back', restarts);
    await this.whileStopped(async () => {
      // Else it was put back before.
      if (!(await exists(this.aside))) return;
      await rm(this.root, { recursive: true, force: true });
      await rename(this.aside, this.root);
    });
    await this.enter('done', restarts);
    this.options.problem('containerd does not start with an empty folder either: it has its own again');
  }

  /** It runs again afterwards, whatever happens. */
  private async whileStopped(work: () => Promise<void>): Promise<void> {
    const { init } = this.options;
    try {
      await stopService(init, ID);
      await work();
    } finally {
      await this.start();
    }
  }

  private async start(): Promise<void> {
    await this.options.init.request('controlService', { id: ID, action: 'START' });
  }

  private async move(): Promise<FolderMove> {
    this.known ??= (await this.options.store.read()) ?? { kind: 'watching', restarts: 0 };
    return this.known;
  }

  /** Written before what it stands for is done. */
  private async enter(kind: FolderMoveKind, restarts: number): Promise<void> {
    this.known = { kind, restarts };
    await this.options.store.write(this.known);
  }

  private async service(): Promise<Service | undefined> {
    const { body } = await this.options.init.request('listServices', {});
    return body.services.find(({ id }) => id === ID);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
