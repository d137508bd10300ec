/** What the system calls itself: os-release(5), in the root image and in the unified kernel image. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SourceIdentity } from './sources.js';

/** The content of /etc/os-release for a build of the checkout `root`. */
export async function osRelease(root: string, { tag, sha }: SourceIdentity): Promise<string> {
  const template = await readFile(path.join(root, 'rootfs', 'files', 'os-release.in'), 'utf8');
  return template.replaceAll('@TAG@', tag).replaceAll('@SHA@', sha);
}
