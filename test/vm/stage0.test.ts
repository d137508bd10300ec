/** stage0 with a root image that is missing or broken: the reason is on the console, and `panic=` decides what comes next. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type CpioEntry, writeCpio } from '../../lib/image/cpio.js';
import { buildStage0 } from '../../lib/image/initramfs.js';
import { buildKernel } from '../../lib/image/kernel.js';
import { repositoryRoot } from '../../lib/image/paths.js';
import { seconds } from '../helpers/deadline.js';

const root = repositoryRoot();
const quiet = () => {};
const { image: kernel } = await buildKernel(root, 'amd64', 'default', quiet);
const stage0 = await buildStage0(root, 'amd64', quiet);
const folder = t.testdir();
const init: CpioEntry = { kind: 'file', path: 'init', mode: 0o755, file: stage0 };

/** Boots until QEMU ends, which a restart makes it do, or until `last` is on the console. */
async function boot(name: string, entries: readonly CpioEntry[], panic: string, last: RegExp) {
  const initramfs = path.join(folder, `${name}.cpio`);
  await writeCpio(initramfs, entries);
  const machine = '-machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 512M -nodefaults -no-user-config';
  const devices = '-display none -serial stdio -no-reboot';
  const args = [...`${machine} ${devices}`.split(' '), '-kernel', kernel, '-initrd', initramfs];
  const qemu = spawn('qemu-system-x86_64', [...args, '-append', `console=ttyS0 ${panic}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => qemu.kill('SIGKILL'), seconds(60));
  let console = '';
  let isEnded = false;
  for await (const text of qemu.stdout.setEncoding('utf8')) {
    console += text;
    if (last.test(console)) break;
  }
  // A restart and the end of the console may come in either order.
  await new Promise<void>((resolve) => {
    const grace = setTimeout(resolve, seconds(3));
    const ended = () => {
      isEnded = true;
      clearTimeout(grace);
      resolve();
    };
    if (qemu.exitCode === null) qemu.once('exit', ended);
    else ended();
  });
  clearTimeout(timer);
  qemu.kill('SIGKILL');
  return { console, isEnded };
}

t.test('no root image: restarts after the countdown', async (t) => {
  const { console, isEnded } = await boot('missing', [init], 'panic=2', /restarting now[\s\S]*restarting now/);
  t.match(console, /stage0: cannot boot: open \/rootfs.img: No such file or directory/);
  t.match(console, /stage0: restarting in 2 s/);
  t.match(console, /stage0: restarting in 1 s/);
  t.ok(isEnded, 'the machine restarted');
});

t.test('a root image that is none, and nobody wants a restart', async (t) => {
  const file = path.join(folder, 'garbage');
  writeFileSync(file, 'x'.repeat(5000));
  const entries: CpioEntry[] = [init, { kind: 'file', path: 'rootfs.img', mode: 0o644, file }];
  const { console, isEnded } = await boot('garbage', entries, 'panic=0', /waiting for a person/);
  t.match(console, /stage0: cannot boot: recognise \/rootfs.img/);
  t.notOk(isEnded, 'the machine waits');
});

t.test('a root image that is damaged: restarts at once', async (t) => {
  const file = path.join(folder, 'damaged');
  writeFileSync(file, Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(8192)]));
  const entries: CpioEntry[] = [init, { kind: 'file', path: 'rootfs.img', mode: 0o644, file }];
  const { console, isEnded } = await boot('damaged', entries, 'panic=-1', /restarting now[\s\S]*restarting now/);
  t.match(console, /stage0: cannot boot: mount the root image from \/dev\/loop0: /);
  t.ok(isEnded, 'the machine restarted');
});
