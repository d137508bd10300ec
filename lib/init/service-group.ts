import { errorCode, errorMessage } from '../base/errors.js';
import type { CgroupModule, EventWatch, FileDescriptor } from '../native/contract.js';
import type { CgroupTree } from '../os/cgroup-tree.js';
import type { ServiceDefinition } from './definition.js';
import type { InitLog } from './log.js';
import type { ServiceProcesses } from './service-processes.js';

/** Killed processes are gone within a millisecond, unless one is stuck in the kernel. */
const CLEAR_MS = 2000;

/**
 * The cgroup of a service, a new one for each run. It cannot be used again: since Linux 6.14 (and its stable series) the kernel
 * compares how often the group of the parent and the group of a new process were killed, and kills the new process if that differs. So
 * whatever is cloned from here into a group that was ever killed is dead on arrival.
 */
export class ServiceGroup implements ServiceProcesses {
  onOutOfMemory: (kills: number) => void = () => {};
  private current: FileDescriptor | undefined;
  private watch: EventWatch | undefined;

  constructor(
    private readonly definition: Pick<ServiceDefinition, 'id' | 'cgroup' | 'group'>,
    private readonly tree: Pick<CgroupTree, 'serviceGroup' | 'removeServiceGroup' | 'problems'>,
    private readonly cgroup: Pick<CgroupModule, 'kill' | 'emptied' | 'stats' | 'watchEvents'>,
    private readonly log: InitLog,
  ) {}

  renew(): FileDescriptor {
    const { id, cgroup: limits, group } = this.definition;
    if (this.current && !this.remove()) throw new Error('processes of its last run cannot be ended');
    this.current = this.tree.serviceGroup(id, limits, group);
    for (const problem of this.tree.problems.splice(0)) this.log.notice(`cgroup ${problem}`);
    this.watchMemory(this.current);
    return this.current;
  }

  kill(): void {
    if (this.current) this.cgroup.kill(this.current);
  }

  outOfMemoryKills(): number {
    if (!this.current) return 0;
    try {
      return this.cgroup.stats([this.current], ['memoryEvents'])[0]?.memoryEvents?.oomKill ?? 0;
    } catch (error) {
      this.log.error(`service ${this.definition.id}: its memory events cannot be read: ${errorMessage(error)}`);
      return 0;
    }
  }

  async clear(): Promise<void> {
    try {
      if (!this.current || this.remove()) return;
      this.kill();
      await this.cgroup.emptied(this.current, { timeoutMs: CLEAR_MS });
      if (this.remove()) return;
      this.log.error(`service ${this.definition.id}: its cgroup has groups of its own`);
    } catch (error) {
      const isStuck = errorCode(error) === 'ETIMEDOUT';
      const what = isStuck ? 'processes that it left behind cannot be ended' : 'its cgroup could not be cleared';
      this.log.error(`service ${this.definition.id}: ${what}${isStuck ? '' : `: ${errorMessage(error)}`}`);
    }
  }

  /** Tells each kill once. The group is new, and so are its counters. */
  private watchMemory(group: FileDescriptor): void {
    let told = 0;
    try {
      this.watch = this.cgroup.watchEvents(group, 'memory.events', {
        onChange: ({ oomKill }) => {
          const kills = oomKill - told;
          told = oomKill;
          if (kills > 0) this.onOutOfMemory(kills);
        },
      });
    } catch (error) {
      // Without the memory controller nothing is limited, and nothing counted.
      if (errorCode(error) !== 'ENOENT') {
        this.log.error(`service ${this.definition.id}: its memory events cannot be watched: ${errorMessage(error)}`);
      }
    }
  }

  /** @returns false while there are processes in it */
  private remove(): boolean {
    try {
      this.tree.removeServiceGroup(this.definition.id, this.definition.group);
    } catch (error) {
      if (errorCode(error) === 'EBUSY') return false;
      throw error;
    }
    this.watch?.close();
    this.watch = undefined;
    this.current = undefined;
    return true;
  }
}
