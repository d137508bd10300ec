import { errorCode, errorMessage } from '../base/errors.js';
import type { CgroupModule, FileDescriptor } from '../native/contract.js';
import type { CgroupTree } from '../os/cgroup-tree.js';
import { type Clock, sleep, systemClock } from './clock.js';
import type { ServiceDefinition } from './definition.js';
import type { InitLog } from './log.js';
import type { ServiceProcesses } from './service.js';

/** Killed processes are gone within a millisecond, unless one is stuck in the kernel. */
const CLEAR_MS = 2000;
const LOOK_AGAIN_MS = 10;

/**
 * The cgroup of a service, a new one for each run. It cannot be used again: since Linux 6.14 (and its stable series) the kernel
 * compares how often the group of the parent and the group of a new process were killed, and kills the new process if that differs. So
 * whatever is cloned from here into a group that was ever killed is dead on arrival.
 */
export class ServiceGroup implements ServiceProcesses {
  private current: FileDescriptor | undefined;

  constructor(
    private readonly definition: Pick<ServiceDefinition, 'id' | 'cgroup'>,
    private readonly tree: Pick<CgroupTree, 'serviceGroup' | 'removeServiceGroup' | 'problems'>,
    private readonly cgroup: Pick<CgroupModule, 'kill'>,
    private readonly log: InitLog,
    private readonly clock: Clock = systemClock,
  ) {}

  renew(): FileDescriptor {
    const { id, cgroup: limits } = this.definition;
    if (this.current && !this.remove()) throw new Error('processes of its last run cannot be ended');
    this.current = this.tree.serviceGroup(id, limits);
    for (const problem of this.tree.problems.splice(0)) this.log.notice(`cgroup ${problem}`);
    return this.current;
  }

  kill(): void {
    if (this.current) this.cgroup.kill(this.current);
  }

  async clear(): Promise<void> {
    const untilMs = this.clock.monotonicMs() + CLEAR_MS;
    try {
      while (this.current && !this.remove()) {
        if (this.clock.monotonicMs() >= untilMs) {
          this.log.error(`service ${this.definition.id}: processes that it left behind cannot be ended`);
          return;
        }
        this.kill();
        await sleep(this.clock, LOOK_AGAIN_MS);
      }
    } catch (error) {
      this.log.error(`service ${this.definition.id}: its cgroup could not be cleared: ${errorMessage(error)}`);
    }
  }

  /** @returns false while there are processes in it */
  private remove(): boolean {
    try {
      this.tree.removeServiceGroup(this.definition.id);
    } catch (error) {
      if (errorCode(error) === 'EBUSY') return false;
      throw error;
    }
    this.current = undefined;
    return true;
  }
}
