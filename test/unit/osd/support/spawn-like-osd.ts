/** Programs started as init starts osd: its rights and limits, the Node of the image, output in pipes. */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Child, FileDescriptor, SeccompRule } from '../../../../lib/native/contract.js';
import { loadNative } from '../../../../lib/native/index.js';
import { checkout, imageNodePath } from '../../../helpers/checkout.js';

const native = loadNative();
const definition = JSON.parse(readFileSync(`${checkout}/rootfs/files/usr/share/talos/services/osd.json`, 'utf8'));
/** The kernel of the image has no io_uring; those of hosts do, and libuv would use it. */
const NO_IO_URING: SeccompRule = { syscalls: ['io_uring_setup'], action: { errno: 'ENOSYS' } };
let isReaping = false;

export interface Started {
  child: Child;
  /** What it has written so far. */
  output: () => string;
}

/**
 * @param script  compiled, beside this file or with its whole path; or any command line
 * @param options.forbidden  more rules of the filter that it is born with
 */
export function spawnLikeOsd(
  script: string,
  options: { argv?: string[]; descriptors?: FileDescriptor[]; forbidden?: SeccompRule[]; wrapper?: string[] } = {},
): Started {
  if (!isReaping) native.process.startReaper({ subreaper: false });
  isReaping = true;
  const [read, write] = native.descriptor.pipe();
  const { argv = [], descriptors = [], forbidden = [], wrapper = (process.env.OSD_WRAPPER ?? '').split(' ') } = options;
  const command = [
    ...wrapper.filter((word) => word !== ''),
    imageNodePath,
    '--disable-sigusr1',
    '--enable-source-maps',
    resolve(import.meta.dirname, script),
    ...argv,
  ];
  const child = native.process.spawn({
    file: command[0] as string,
    argv: command,
    env: process.env.ADDON_PATH === undefined ? {} : { ADDON_PATH: process.env.ADDON_PATH },
    cwd: '/',
    // Only root has any to give up; its user may not be able to read the checkout.
    ...(process.getuid?.() === 0 && { capabilities: definition.capabilities }),
    noNewPrivileges: definition.noNewPrivileges,
    rlimits: definition.rlimits,
    session: true,
    seccomp: { defaultAction: 'allow', rules: [NO_IO_URING, ...forbidden] },
    stdin: 'null',
    stdout: write,
    stderr: write,
    descriptors,
  });
  write.close();
  let output = '';
  new Socket({ fd: read.releaseNumber(), readable: true, writable: false }).on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return { child, output: () => output };
}
