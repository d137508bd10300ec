/** Follows what a node does about one call: its events with the actor id that the call was answered with. */
import { decodeEvent, MachineService, type NodeEvent } from '../client/index.js';
import type { Session, Target } from './session.js';

export class ActorFollower {
  /** The node has events to be followed. */
  readonly isOpen: Promise<boolean>;
  /** The stream is there. */
  isFollowing = false;
  /** What the node says went wrong. */
  problem: string | undefined;
  private readonly stop = new AbortController();
  private actorId: string | undefined;
  private readonly early: NodeEvent[] = [];

  /** Opens the stream; await `isOpen` before the call, so that nothing is missed. */
  constructor(
    session: Session,
    target: Target,
    private readonly onEvent: (event: NodeEvent) => void,
  ) {
    this.isOpen = new Promise((resolve) => {
      const opened = () => {
        this.isFollowing = true;
        resolve(true);
      };
      const ended = () => {
        this.isFollowing = false;
        resolve(false);
      };
      // A node without events, or one that goes down: what becomes of it is seen by other means.
      this.run(session, target, opened).then(ended, ended);
    });
  }

  /** From now on, and for what has come meanwhile. */
  follow(actorId: string): void {
    this.actorId = actorId;
    for (const event of this.early.splice(0)) this.take(event);
  }

  close(): void {
    this.stop.abort(new Error('it is not of interest any more'));
  }

  private async run(session: Session, { node }: Target, opened: () => void): Promise<void> {
    const options = { node, signal: this.stop.signal };
    for await (const batch of session.client.stream(MachineService.Events, {}, options)) {
      opened();
      for (const message of batch) {
        const event = decodeEvent(message);
        if (event === undefined) continue;
        if (this.actorId === undefined) this.early.push(event);
        else this.take(event);
      }
    }
  }

  private take(event: NodeEvent): void {
    if (this.actorId === undefined || this.actorId === '' || event.actorId !== this.actorId) return;
    const { error } = event.payload;
    if (event.type === 'SequenceEvent' && typeof error === 'string') this.problem ??= error;
    this.onEvent(event);
  }
}
