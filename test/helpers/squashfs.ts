/** Looks into squashfs images with squashfs-tools. */
import { execFileSync } from 'node:child_process';

/** One path of an image. */
export interface SquashfsEntry {
  /** As ls(1) writes it: 'drwxr-xr-x'. */
  readonly mode: string;
  /** 'root/root' */
  readonly owner: string;
  readonly date: string;
  readonly path: string;
  readonly target: string | undefined;
}

/** Every path of an image but its root, by `unsquashfs -lls`: mode, owner, size or device, date, time, path. */
export function listSquashfs(image: string): SquashfsEntry[] {
  const listing = execFileSync('unsquashfs', ['-lls', '-UTC', '-dest', '', image], { encoding: 'utf8' });
  return listing.split('\n').flatMap((line) => {
    const match = /^(\S{10}) (\S+) +\S+(?:, *\d+)? (\d\S+ \S+) (\/.*?)(?: -> (.*))?$/.exec(line);
    if (match === null) return [];
    const [, mode = '', owner = '', date = '', path = '', target] = match;
    return [{ mode, owner, date, path, target }];
  });
}

/** Unpacks an image into a folder that is not there yet. */
export function unpackSquashfs(image: string, folder: string): void {
  execFileSync('unsquashfs', ['-quiet', '-no-progress', '-no-xattrs', '-dest', folder, image], { stdio: 'ignore' });
}
