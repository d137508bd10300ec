/** What blockd may call besides what every confined process of the node may: it works on devices that are open already, and has no network. */
import type { SeccompFilter, SeccompRule } from '../native/contract.js';
import { isInt, startFilter } from '../server/seccomp.js';

/** Of linux/fs.h, the same on both architectures. Each takes an open device, and no capability. */
const BLOCK_REQUESTS = {
  ...{ BLKGETSIZE64: 0x8008_1272, BLKSSZGET: 0x1268, BLKPBSZGET: 0x127b, BLKIOOPT: 0x1279, BLKROGET: 0x125e },
  BLKZEROOUT: 0x127f,
};

const RULES: readonly SeccompRule[] = [
  // Bytes onto a device and onto its medium, and away from the page cache, so that they are read again from there.
  { syscalls: ['pwrite64', 'fsync', 'fadvise64'] },
  ...Object.values(BLOCK_REQUESTS).map((request) => ({ syscalls: ['ioctl'], where: [isInt(1, request)] })),
];

/** From before the first request on. @param pid  of the process itself */
export function deviceFilter(pid: number): SeccompFilter {
  return startFilter(pid, 'none', RULES);
}
