/** Extended attributes of files of tests: Node has no call for them, and not every machine a program. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileAddon } from '../../lib/image/compile.js';
import { checkout } from './checkout.js';

const isArm = arch() === 'arm64';
/** lsetxattr(2). */
const LSETXATTR = isArm ? 6n : 189n;

const folder = mkdtempSync(join(tmpdir(), 'raw-syscall-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const addon = join(folder, 'raw.node');
await compileAddon(
  isArm ? 'arm64' : 'amd64',
  checkout,
  join(checkout, 'test/helpers/raw-syscall/raw_syscall.cc'),
  addon,
);
const { call }: { call(number: bigint, ...args: (bigint | Buffer)[]): number } = createRequire(import.meta.url)(addon);

/** Gives a file, or a link, an attribute. @throws Error  with the kernel's errno */
export function setAttribute(path: string, name: string, value: Buffer): void {
  const text = (words: string) => Buffer.from(`${words}\0`);
  const result = call(LSETXATTR, text(path), text(name), value, BigInt(value.length), 0n);
  if (result < 0) throw new Error(`setxattr ${name} of ${path}: errno ${-result}`);
}
