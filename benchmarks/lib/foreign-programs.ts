/** Programs of another architecture, run as if they were of this machine's: mmdebstrap(1) configures packages of it by running them. */
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ARCHITECTURES, type Architecture, isNative } from '../../lib/image/architecture.js';
import { runCommand } from '../../lib/image/run-command.js';

/** The kernel's list of formats and who runs them (Documentation/admin-guide/binfmt-misc.rst). */
const FORMATS = '/proc/sys/fs/binfmt_misc';
/** Lines for that list as packages bring them (binfmt.d(5)); without systemd nobody registers them. */
const KNOWN_LINES = '/usr/lib/binfmt.d';

/**
 * Does work during which this machine runs programs of `arch`. What was not registered before is not registered afterwards. As root.
 * @throws Error  qemu-user-static is not installed, or the kernel knows no such formats
 */
export async function withProgramsOf<T>(arch: Architecture, work: () => Promise<T>): Promise<T> {
  if (isNative(arch)) return await work();
  const name = ARCHITECTURES[arch].userEmulator.replace(/-static$/, '');
  const entry = path.join(FORMATS, name);
  if (!(await exists(path.join(FORMATS, 'register')))) {
    await runCommand(['mount', '-t', 'binfmt_misc', 'binfmt_misc', FORMATS], {
      hint: 'the kernel needs CONFIG_BINFMT_MISC',
    });
  }
  if (await exists(entry)) return await work();
  await writeFile(path.join(FORMATS, 'register'), await readFile(path.join(KNOWN_LINES, `${name}.conf`), 'utf8'));
  try {
    return await work();
  } finally {
    await writeFile(entry, '-1');
  }
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
