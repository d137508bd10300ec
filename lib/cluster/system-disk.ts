import { open } from 'node:fs/promises';

/** Its serial number, by which it is known inside and in what QEMU says. */
export const SYSTEM_DISK_SERIAL = 'talossystem';

/** An empty disk for what the node keeps. It takes as much space here as was written to it. */
export async function makeSystemDisk(file: string, sizeBytes: number): Promise<void> {
  // It is to hold keys.
  const disk = await open(file, 'wx', 0o600);
  await disk.truncate(sizeBytes).finally(() => disk.close());
}
