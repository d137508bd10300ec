import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { MountModule } from '../../lib/native/contract.js';

/** Everybody has this folder; in the mount namespace of the test a tmpfs is over it, for folders that the machine does not see. */
const BASE = '/mnt';
const MARK = join(BASE, 'talos-dead-mounts');

export interface DeadMount {
  folder: string;
  /** Ends all waiting, with ENOTCONN; may be called twice. The end of the thread does so, too: Node closes what it left open. */
  close(): void;
}

/**
 * Mounts a FUSE file system whose server never says a word: who looks at its folder from now on waits in the kernel. Needs a mount
 * namespace of its own (in-namespaces.ts), at whose end the mounts go.
 */
export function mountDead(mount: Pick<MountModule, 'mountSync'>): DeadMount {
  if (!existsSync(MARK)) {
    mount.mountSync({ source: 'tmpfs', target: BASE, fstype: 'tmpfs', flags: [] });
    mkdirSync(MARK);
  }
  const folder = mkdtempSync(join(MARK, 'dead-'));
  const server = openSync('/dev/fuse', 'r+');
  const data = `fd=${server},rootmode=40000,user_id=0,group_id=0`;
  mount.mountSync({ source: 'dead', target: folder, fstype: 'fuse', flags: [], data });
  let isOpen = true;
  return {
    folder,
    close() {
      if (isOpen) closeSync(server);
      isOpen = false;
    },
  };
}
