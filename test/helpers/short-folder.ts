import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** A folder for sockets, whose paths may not exceed 107 bytes: those of tap's own folders have the names of the tests in them. */
export function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'talos-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
