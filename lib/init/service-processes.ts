import type { FileDescriptor } from '../native/contract.js';

/** All processes of a service, whoever of them started which: its cgroup (service-group.ts). */
export interface ServiceProcesses {
  /** An empty group for the next process to be born in, owned by this. @throws when the last one cannot be emptied */
  renew(): FileDescriptor;
  /** SIGKILL to all. */
  kill(): void;
  /** Called while it runs: the kernel has killed so many of its processes for want of memory. */
  onOutOfMemory: (kills: number) => void;
  /** How many of the current run that were; asked before clear(). Never throws. */
  outOfMemoryKills(): number;
  /** Ends whatever is left, and resolves when nothing is, or it takes too long. Never rejects. */
  clear(): Promise<void>;
}
