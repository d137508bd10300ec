/** A disk with Debian on it, as rivals boot it: made by mmdebstrap(1) from the machine's own mirror, with Debian's kernel and initramfs. */
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached } from '../../lib/base/build-cache.js';
import { machineSources } from '../../lib/image/apt.js';
import { stanzaFor } from '../../lib/image/apt-sources.js';
import type { Architecture } from '../../lib/image/architecture.js';
import { runCommand } from '../../lib/image/run-command.js';
import { withProgramsOf } from './foreign-programs.js';

const SUITE = 'trixie';
/** What every one of them boots with, beside the kernel. */
const BASE_PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'udev', 'containerd', 'initramfs-tools', 'zstd'];
const WANTED = 'etc/systemd/system/multi-user.target.wants';

export interface DebianDiskOptions {
  /** In the build cache. */
  readonly kind: string;
  readonly arch: Architecture;
  /** Debian packages beside the base. */
  readonly packages: readonly string[];
  /** Text of files, by their paths without the first slash; those below `usr/local/sbin` are programs. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that are copied: where to, and from where. The names of the latter are the identity of what is in them. */
  readonly copies?: Readonly<Record<string, { readonly from: string; readonly mode: number }>>;
  /** Units beside those that Debian's packages start by themselves, and where each is. */
  readonly enabled: Readonly<Record<string, string>>;
  /** As mke2fs takes it. */
  readonly size: string;
}

/** Absolute paths of what QEMU boots. */
export interface DebianRival {
  readonly kernel: string;
  readonly initramfs: string;
  /** ext4, without a partition table. */
  readonly disk: string;
}

/**
 * The disk, made when it is not in the cache; as root only.
 * @throws TalosError when the machine has no Debian mirror, or no mmdebstrap
 */
export async function debianDisk(options: DebianDiskOptions, onProgress: (text: string) => void): Promise<DebianRival> {
  const folder = await cached({
    kind: options.kind,
    inputs: { recipe: 2, suite: SUITE, base: BASE_PACKAGES, options },
    keep: 1,
    onProgress,
    make: async (made) => {
      onProgress('making the Debian rival');
      await withProgramsOf(options.arch, () => make(made, options));
    },
  });
  return {
    kernel: path.join(folder, 'vmlinuz'),
    initramfs: path.join(folder, 'initrd.img'),
    disk: path.join(folder, 'disk.img'),
  };
}

async function make(folder: string, options: DebianDiskOptions): Promise<void> {
  const { arch, packages, files, copies = {}, enabled, size } = options;
  const [tree, sources] = [path.join(folder, 'tree'), path.join(folder, 'trixie.sources')];
  const stanza = stanzaFor(SUITE, await machineSources());
  if (stanza === undefined) throw new Error(`this machine's apt has no source that ${SUITE} could be found beside`);
  await writeFile(sources, stanza);
  const included = [...BASE_PACKAGES, `linux-image-${arch}`, ...packages].join(',');
  const words = ['--variant=minbase', '--format=directory', `--architectures=${arch}`, `--include=${included}`];
  await runCommand(['mmdebstrap', ...words, SUITE, tree, sources], { hint: 'apt-get install mmdebstrap' });
  const place = async (name: string) => {
    const target = path.join(tree, name);
    await mkdir(path.dirname(target), { recursive: true });
    return target;
  };
  for (const [name, text] of Object.entries(files)) {
    // One of Debian's may be a link that leads out of the tree.
    const target = await place(name);
    await rm(target, { force: true });
    await writeFile(target, text, { mode: name.startsWith('usr/local/sbin/') ? 0o755 : 0o644 });
  }
  for (const [name, { from, mode }] of Object.entries(copies)) {
    const target = await place(name);
    await copyFile(from, target);
    await chmod(target, mode);
  }
  for (const [unit, from] of Object.entries(enabled))
    await symlink(path.join(from, unit), path.join(tree, WANTED, unit));
  await runCommand(['chroot', tree, 'systemd-machine-id-setup']);
  for (const name of await readdir(path.join(tree, 'boot'))) {
    const kept = ['vmlinuz', 'initrd.img'].find((each) => name.startsWith(`${each}-`));
    if (kept !== undefined) await rename(path.join(tree, 'boot', name), path.join(folder, kept));
  }
  await runCommand(['mke2fs', '-q', '-t', 'ext4', '-d', tree, path.join(folder, 'disk.img'), size]);
  await rm(tree, { recursive: true });
}
