import { readdir, readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../base/errors.js';

/** Devices by name, with where they are attached: the path below /sys/devices, without the device itself. */
export type Attachments = ReadonlyMap<string, string>;

/**
 * The devices of a class that stand for hardware (or what a hypervisor shows as hardware), not for something that the kernel makes of others: loop
 * devices, device-mapper, bridges, veth. An NVMe name with several paths behind it is hardware, although the kernel calls its subsystem virtual.
 * @param folder  links to devices: '/sys/block' (without partitions), '/sys/class/net'
 */
export async function hardwareDevices(folder: '/sys/block' | '/sys/class/net' | (string & {})): Promise<Attachments> {
  const names = await readdir(folder);
  const found = await Promise.all(names.sort().map(async (name) => [name, await linkOf(join(folder, name))] as const));
  return new Map(
    found.flatMap(([name, link]) => {
      if (link === undefined || /\/virtual\/(block|net)\//.test(link)) return [];
      const classFolder = dirname(link);
      const place =
        basename(classFolder) === 'block' || basename(classFolder) === 'net' ? dirname(classFolder) : classFolder;
      return [[name, place.replace(/^(\.\.\/)*devices/, '')] as const];
    }),
  );
}

/** undefined for what is no link (the bonding driver has a file there), or is gone. */
async function linkOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (['EINVAL', 'ENOENT'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
