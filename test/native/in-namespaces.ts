import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { MountModule } from '../../lib/native/contract.js';

const MARK = 'TALOS_TEST_NAMESPACES';

/**
 * Lets a test file do to its namespaces what it must not do to the machine. The first time, outside, it runs the file again under
 * unshare(1) as a subtest, and returns false; that second time it returns true, and the file goes on with its tests.
 * @param url         import.meta.url of the file
 * @param namespaces  options of unshare: '--mount', '--net', '--uts', …
 */
export function inNamespaces(url: string, namespaces: string[]): boolean {
  if (process.env[MARK] === url) return true;
  void t.spawn('unshare', [...namespaces, process.execPath, ...process.execArgv, fileURLToPath(url)], {
    env: { ...process.env, [MARK]: url, TAP: '1' },
  });
  return false;
}

/** A folder for mount points, in a mount namespace of ours; all mounts in it are taken away before it is removed. */
export function emptyFolder(t: Test, mount: Pick<MountModule, 'mountSync' | 'umount'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  mount.mountSync({ source: 'tmpfs', target: folder, fstype: 'tmpfs', flags: [] });
  t.teardown(async () => {
    await mount.umount(folder, ['detach']);
    rmdirSync(folder);
  });
  return folder;
}
