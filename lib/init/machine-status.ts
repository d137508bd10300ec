import type { MachineStage } from '../control/node-event.js';
import type { Publish } from './node-events.js';

/** How the node as a whole fares: its stage, and what keeps it from being ready. Published whenever that changes. */
export class MachineStatus {
  private stage: MachineStage = 'BOOTING';
  private told = '';

  /** @param problems  what is wrong with the services, a sentence each */
  constructor(
    private readonly publish: Publish,
    private readonly problems: () => string[],
  ) {}

  /** @param actorId  of whoever asked for it */
  enter(stage: MachineStage, actorId = ''): void {
    this.stage = stage;
    this.look(actorId);
  }

  /** Something has changed that may make the node ready, or not. */
  look(actorId = ''): void {
    const reasons = this.stage === 'RUNNING' ? this.problems() : [];
    const unmet = reasons.map((reason) => ({ name: 'services', reason }));
    const ready = this.stage === 'RUNNING' && unmet.length === 0;
    const status = { stage: this.stage, ready, unmet };
    const text = JSON.stringify(status);
    if (text === this.told) return;
    this.told = text;
    this.publish({ kind: 'machine-status', ...status }, actorId);
  }
}
