/** Groups of the test guest, and programs in them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { FileDescriptor } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT } from '../../lib/os/cgroup-tree.js';

const { cgroup } = loadNative();

export const fileOf = (path: string, file: string) => readFileSync(`${CGROUP_ROOT}/${path}/${file}`, 'utf8').trim();

/** A group that lasts as long as the test. */
export function makeGroup(t: Pick<Test, 'teardown'>, path: string): FileDescriptor {
  const group = cgroup.create(CGROUP_ROOT, path);
  t.teardown(async () => {
    await cgroup.emptied(group);
    group.close();
    cgroup.remove(CGROUP_ROOT, path);
  });
  return group;
}

/** A promise with what settles it. */
export function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export interface Program {
  pid: number;
  ended: Promise<{ code: number | null; signal: string | null }>;
}

/** Starts Node in a group. Resolves when `program` has run to its end once, with 'ready' on its standard output. */
export async function startIn(group: FileDescriptor, program: string): Promise<Program> {
  // It comes into its group when it has started, threads and all, and waits for that.
  const script = `process.stdin.once('data', () => { ${program}; process.stdout.write('ready'); }); process.stdout.write('up');`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid as number;
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  await once(child.stdout, 'data');
  cgroup.addProcess(group, pid);
  const ready = once(child.stdout, 'data');
  child.stdin.end('go');
  await Promise.race([ready, ended]);
  return { pid, ended };
}

/** Runs Node in a group and tells how it ended. */
export async function runIn(group: FileDescriptor, program: string): Promise<Awaited<Program['ended']>> {
  return (await startIn(group, program)).ended;
}
