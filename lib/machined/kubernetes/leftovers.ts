/**
 * What a phase that was cut off may have left: kubeadm does not wait until a file is on the medium, so one may be there and be empty, and kubeadm takes what is there for
 * its own, or fails for good. Before such a phase is run again its files are removed; nobody has used them yet.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';
import type { FileToWrite } from '../../kube/input.js';
import { FOLDERS } from './folders.js';

/** The last two are made anew for a member as well. */
export type Leftover = 'certificates' | 'kubeconfigs' | 'server certificate' | 'component kubeconfigs';

const PKI = ['pki', 'pki/etcd'];
const NAMED: Readonly<Partial<Record<Leftover, readonly string[]>>> = {
  'server certificate': ['pki/apiserver.crt', 'pki/apiserver.key'],
  'component kubeconfigs': ['controller-manager.conf', 'scheduler.conf'],
};

/**
 * @param own  files that are not kubeadm's: they stay
 * @param folder  kubeadm's
 */
export async function removeLeftovers(
  kinds: readonly Leftover[],
  own: readonly Pick<FileToWrite, 'path'>[],
  folder: string = FOLDERS.kubernetes,
): Promise<void> {
  const kept = new Set(own.map(({ path }) => path));
  if (kinds.includes('certificates'))
    for (const part of PKI) await removeFiles(join(folder, part), (path) => !kept.has(path));
  for (const name of kinds.flatMap((kind) => NAMED[kind] ?? [])) await rm(join(folder, name), { force: true });
  if (kinds.includes('kubeconfigs')) await removeFiles(folder, (path) => path.endsWith('.conf') && !kept.has(path));
}

async function removeFiles(folder: string, isMeant: (path: string) => boolean): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() && isMeant(path)) await rm(path, { force: true });
  }
}
