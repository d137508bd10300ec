import type { Child, FileDescriptor, NativeAddon, SpawnOptions } from '../../lib/native/contract.js';

/** What most spawns of the tests need: nothing. */
export const QUIET = {
  argv: ['sh'],
  env: {},
  stdin: 'null',
  stdout: 'null',
  stderr: 'inherit',
} as const satisfies Partial<SpawnOptions>;

/** Reads a pipe to its end through a ring: text of it all. The descriptor is taken over. */
export async function readAll(native: NativeAddon, pipe: FileDescriptor): Promise<string> {
  const ring = native.ring.create({ name: 'test', sizeBytes: 1 << 20 });
  ring.attach(pipe, 'stdout');
  await ring.drained();
  const { memory, doorbell, end } = ring.subscribe();
  end();
  doorbell.close();
  const reader = native.ring.openReader({ memory });
  const buffer = Buffer.alloc(1 << 20);
  const { bytes } = reader.read(buffer);
  reader.close();
  ring.close();
  return buffer.toString('utf8', 0, bytes);
}

/** Runs a shell script and gives what it printed. */
export async function shell(
  native: NativeAddon,
  script: string,
  options: Partial<SpawnOptions> = {},
): Promise<{ output: string; child: Child }> {
  const [read, write] = native.descriptor.pipe();
  const child = native.process.spawn({
    ...QUIET,
    file: '/bin/sh',
    argv: ['sh', '-c', script],
    stdout: write,
    ...options,
  });
  write.close();
  const output = await readAll(native, read);
  await child.exited;
  return { output, child };
}
