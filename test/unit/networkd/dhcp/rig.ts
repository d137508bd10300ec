/** A DHCP state machine in a world whose time the test moves. */
import { step } from '../../../../lib/networkd/dhcp/machine.js';
import {
  type DhcpInput,
  type DhcpState,
  type HeldAddress,
  initialState,
  type Step,
  wakeAtMs,
} from '../../../../lib/networkd/dhcp/state.js';
import { ack, FakeWorld, nak, offer } from './messages.js';

export const UP: DhcpInput = { kind: 'carrier', isUp: true };
export const DOWN: DhcpInput = { kind: 'carrier', isUp: false };
export const TIMER: DhcpInput = { kind: 'timer' };
export const SERVER = '10.0.2.2';
export const ADDRESS = '10.0.2.15';

/** A machine and its world: inputs go in, time moves, and what came of the last step is looked at. */
export class Rig {
  readonly world = new FakeWorld();
  last: Step = { state: initialState(), effects: [] };

  constructor(held?: HeldAddress) {
    this.last.state = initialState(held);
  }

  get state(): DhcpState {
    return this.last.state;
  }

  get effects(): string[] {
    return this.last.effects.map((effect) =>
      'request' in effect ? `${effect.kind} ${effect.request.type}` : effect.kind,
    );
  }

  get xid(): number {
    return 'exchange' in this.state ? this.state.exchange.xid : 0;
  }

  send(input: DhcpInput): this {
    this.last = step(this.state, input, this.world);
    return this;
  }

  hear(message: ReturnType<typeof ack>): this {
    return this.send({ kind: 'message', message: { ...message, xid: message.xid || this.xid } });
  }

  /** To the moment that the state waits for. */
  wake(): this {
    const atMs = wakeAtMs(this.state);
    if (atMs === undefined) throw new Error(`${this.state.kind} waits for nothing`);
    this.world.nowMs = Math.max(this.world.nowMs, atMs);
    return this.send(TIMER);
  }

  /** In the given state, by the way that leads there. */
  static in(kind: DhcpState['kind'], lease: Parameters<typeof ack>[0] = {}): Rig {
    const held = { address: ADDRESS, expiresAtMs: 1_000_000 };
    const rig = new Rig(kind === 'Rebooting' ? held : undefined);
    if (kind === 'NoCarrier') return rig;
    rig.send(UP);
    if (kind === 'Selecting' || kind === 'Rebooting') return rig;
    rig.hear(offer());
    if (kind === 'Waiting') return rig.hear(nak());
    if (kind === 'Requesting') return rig;
    rig.hear(ack(lease));
    if (kind === 'Bound') return rig;
    if (kind === 'Stopped') return rig.send({ kind: 'stop', release: false });
    while (rig.state.kind !== kind) rig.wake();
    return rig;
  }
}
