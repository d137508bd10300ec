/**
 * The image of services that run in containers: an OCI archive of empty folders and a few links. What the services execute is bound into them
 * from the root image, so it is there once, and dm-verity checks it.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Architecture } from './architecture.js';
import { writeOciArchive } from './oci-archive.js';

const FOLDERS = ['dev', 'etc', 'proc', 'run', 'sys', 'system', 'tmp', 'usr', 'usr/bin', 'usr/lib', 'usr/sbin'];
/** The program of ours, and the names by which it is started: what it is, the role, is in the name. */
const PROGRAM = 'usr/bin/talos';
const ROLES = ['blockd', 'proxyd', 'trustd'];
const LINKS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(ROLES.map((role) => [`usr/sbin/${role}`, '../bin/talos'])),
  bin: 'usr/bin',
  lib: 'usr/lib',
  lib64: 'usr/lib64',
  sbin: 'usr/sbin',
};
/** Where a part of the image that is bound by itself goes: a mount point must be there, for the root is read-only. */
const MOUNT_POINTS = [
  ...['usr/lib/talos', 'usr/lib/talos-test', 'usr/lib64', 'usr/share', 'run/control'],
  ...['sys/block', 'sys/devices'],
];

/** Writes the archive. */
export async function writeServiceImage(target: string, architecture: Architecture): Promise<void> {
  const tree = await mkdtemp(`${target}.tree-`);
  try {
    const folders = [...FOLDERS, ...MOUNT_POINTS];
    for (const folder of folders) await mkdir(path.join(tree, folder), { recursive: true, mode: 0o755 });
    for (const [name, to] of Object.entries(LINKS)) await symlink(to, path.join(tree, name));
    await writeFile(path.join(tree, PROGRAM), '', { mode: 0o755 });
    await writeOciArchive(target, { architecture, tree, names: [...folders, PROGRAM, ...Object.keys(LINKS)] });
  } finally {
    await rm(tree, { recursive: true });
  }
}
