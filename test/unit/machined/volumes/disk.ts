/** A loop device as the disk of a machine, and what machined does with it at each boot. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Test } from 'tap';
import { GIB } from '../../../../lib/base/units.js';
import type { VolumesOptions } from '../../../../lib/machined/volumes/options.js';
import { filesystemPrograms } from '../../../../lib/machined/volumes/programs.js';
import { Volumes } from '../../../../lib/machined/volumes/volumes.js';
import { loadNative } from '../../../../lib/native/index.js';
import { listBlockDevices } from '../../../../lib/os/block-devices.js';

const { block, files, mount } = loadNative();

export const run = (program: string, ...argv: string[]) =>
  execFileSync(program, argv, { encoding: 'utf8', stdio: 'pipe' });

export function put(path: string, offset: number, bytes: string | Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from(bytes as string), 0, undefined, offset);
  closeSync(fd);
}

/** Disks of a machine, at the places where the kernel would have them. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  readonly mountPoints = { STATE: join(this.folder, 'state'), EPHEMERAL: join(this.folder, 'var') };
  readonly said: string[] = [];
  readonly problems: string[] = [];
  private readonly loops: string[] = [];

  constructor(t: Test) {
    t.teardown(() => {
      this.powerOff();
      for (const path of this.loops) run('losetup', '--detach', path);
      rmSync(this.folder, { recursive: true });
    });
  }

  /** An empty disk, unless `prepare` does something to its file. */
  plug(
    sizeBytes = GIB,
    prepare: (file: string) => void = () => {},
    ...options: string[]
  ): { path: string; file: string } {
    const file = join(this.folder, `disk${this.loops.length}`);
    writeFileSync(file, '');
    truncateSync(file, sizeBytes);
    prepare(file);
    const path = run('losetup', '--find', '--show', ...options, file).trim();
    this.loops.push(path);
    return { path, file };
  }

  /** What machined has with each boot. */
  boot(change: Partial<VolumesOptions> = {}): Volumes {
    for (const folder of Object.values(this.mountPoints)) mkdirSync(folder, { recursive: true });
    const names = this.loops.map((path) => basename(path));
    return new Volumes({
      block,
      files,
      mount,
      devices: async () =>
        (await listBlockDevices()).filter(({ name }) =>
          names.some((disk) => name === disk || name.startsWith(`${disk}p`)),
        ),
      programs: async () => filesystemPrograms,
      mountPoints: this.mountPoints,
      notice: (text) => void this.said.push(text),
      problem: (text) => void this.problems.push(text),
      ...change,
    });
  }

  /** The kernel's partitions go, as with the machine. */
  powerOff(): void {
    for (const { mountPoint } of mount.mountInfo().reverse()) {
      if (Object.values(this.mountPoints).includes(mountPoint)) run('umount', mountPoint);
    }
    for (const path of this.loops) {
      for (const name of readdirSync(join('/sys/block', basename(path)))) {
        if (name.startsWith(basename(path)))
          run('partx', '--delete', '--nr', name.slice(`${basename(path)}p`.length), path);
      }
    }
  }

  mounted(id: 'STATE' | 'EPHEMERAL') {
    return mount.mountInfo().find(({ mountPoint }) => mountPoint === this.mountPoints[id]);
  }
}
