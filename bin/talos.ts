// The one executable of the image. Its role is the name it was called by; the role's bundle, and V8's code cache for it, are assets
// inside (lib/image/executable.ts), so that no process pays for the code of another's role.
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

const role = basename(process.argv0);
// Node names every main thread `node-MainThread`: the kernel's own messages, `top` and a core tell processes apart by this (proc_pid_comm(5)).
writeFileSync('/proc/self/comm', role);
const [source, cachedData] = [`${role}.cjs`, `${role}.cache`].map((name) =>
  Buffer.from(getRawAsset(name) as ArrayBuffer),
);
const script = new Script(source?.toString('latin1') ?? '', { filename: `talos:${role}`, cachedData });
if (script.cachedDataRejected) process.stderr.write(`talos: the code cache of ${role} does not fit: a slow start\n`);
const module: { exports: { main?(): Promise<void> } } = { exports: {} };
script.runInThisContext()(module.exports, require, module);
void module.exports.main?.();
