/** How far containerd's folder is on its way aside and back, for a machined that is started again in the middle of it. */
import { KIB } from '../../base/units.js';
import { BootFile, type BootFileOptions } from '../boot-file.js';

/**
 * | kind          | meaning                                                                  | a machined that finds it             |
 * |---------------|--------------------------------------------------------------------------|--------------------------------------|
 * | watching      | nothing was done                                                         | goes on                              |
 * | setting-aside | containerd is to be stopped, and its folder to be moved unless it was    | does so                              |
 * | moved         | the folder is aside, containerd is to be started                         | starts it                            |
 * | trying        | containerd runs with an empty folder                                     | goes on                              |
 * | putting-back  | containerd is to be stopped, its folder to be put back unless it was     | does so                              |
 * | done          | nothing is tried any more in this boot                                   | leaves it alone                      |
 */
export type FolderMoveKind = 'watching' | 'setting-aside' | 'moved' | 'trying' | 'putting-back' | 'done';

export interface FolderMove {
  kind: FolderMoveKind;
  /** How often containerd had ended before it got an empty folder. */
  restarts: number;
}

/** Keeps it as long as the boot lasts: the next boot begins anew. */
export interface FolderMoveStore {
  read(): Promise<FolderMove | undefined>;
  write(move: FolderMove): Promise<void>;
}

const KINDS: ReadonlySet<unknown> = new Set<FolderMoveKind>([
  ...(['watching', 'setting-aside', 'moved', 'trying', 'putting-back', 'done'] as const),
]);

/** @param folder  in memory */
export function folderMoveStore(files: BootFileOptions['files'], folder: string): FolderMoveStore {
  const file = new BootFile({ files, folder, name: 'containerd-folder.json', maxBytes: KIB });
  return {
    async read() {
      const text = await file.read();
      if (text === undefined) return undefined;
      const { kind, restarts } = JSON.parse(text) as FolderMove;
      if (!KINDS.has(kind) || !Number.isSafeInteger(restarts))
        throw new Error(`${folder} has an unknown step: ${text}`);
      return { kind, restarts };
    },
    write: (move) => file.write(JSON.stringify(move)),
  };
}
