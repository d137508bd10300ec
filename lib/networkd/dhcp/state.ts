/** The states of a DHCPv4 client, and what goes into and comes out of its machine (machine.ts has the table). */
import type { DhcpClientMessage, DhcpServerMessage } from '../../native/contract.js';
import type { Exchange } from './exchange.js';
import type { Lease } from './lease.js';

/** An address that is still on the interface, and for how long it may be. */
export interface HeldAddress {
  address: string;
  expiresAtMs: number;
}

export type DhcpState =
  | { kind: 'NoCarrier'; held: HeldAddress | undefined }
  | { kind: 'Waiting'; untilMs: number; refusals: number }
  | { kind: 'Selecting'; exchange: Exchange; held: HeldAddress | undefined; refusals: number }
  | {
      kind: 'Requesting';
      exchange: Exchange;
      offer: DhcpServerMessage;
      held: HeldAddress | undefined;
      refusals: number;
    }
  | { kind: 'Rebooting'; exchange: Exchange; held: HeldAddress }
  | { kind: 'Bound'; lease: Lease }
  | { kind: 'Renewing'; lease: Lease; exchange: Exchange }
  | { kind: 'Rebinding'; lease: Lease; exchange: Exchange }
  | { kind: 'Stopped' };

export type DhcpInput =
  | { kind: 'carrier'; isUp: boolean }
  | { kind: 'message'; message: DhcpServerMessage }
  /** `wakeAtMs` of the state has come. One that comes too early does nothing. */
  | { kind: 'timer' }
  /** With `release` the address is given back, though the interface keeps it: only a node that goes down does that. */
  | { kind: 'stop'; release: boolean };

/** What the machine says of a message; the rest is the interface's. */
export type Request = Pick<
  DhcpClientMessage,
  'type' | 'xid' | 'seconds' | 'clientAddress' | 'requestedAddress' | 'serverId'
>;

export type DhcpEffect =
  | { kind: 'broadcast'; request: Request }
  | { kind: 'unicast'; request: Request; destination: string }
  /** The interface gets what the lease says, and loses what an earlier one said. */
  | { kind: 'configure'; lease: Lease }
  /** The interface loses what any lease has said. */
  | { kind: 'deconfigure' };

export interface Step {
  state: DhcpState;
  effects: DhcpEffect[];
  /** What happened, for the log; absent when nothing did that anybody wants to know. */
  message?: string;
}

/** @param held  an address that the interface has from an earlier run */
export function initialState(held?: HeldAddress): DhcpState {
  return { kind: 'NoCarrier', held };
}

/** When the state wants the input `timer`; undefined: never. */
export function wakeAtMs(state: DhcpState): number | undefined {
  const earliest = (...moments: (number | undefined)[]) => {
    const first = Math.min(...moments.map((moment) => moment ?? Number.POSITIVE_INFINITY));
    return first === Number.POSITIVE_INFINITY ? undefined : Math.ceil(first);
  };
  switch (state.kind) {
    case 'NoCarrier':
      return earliest(state.held?.expiresAtMs);
    case 'Waiting':
      return earliest(state.untilMs);
    case 'Selecting':
    case 'Requesting':
    case 'Rebooting':
      return earliest(state.exchange.resendAtMs, state.held?.expiresAtMs);
    case 'Bound':
      return earliest(state.lease.renewAtMs);
    case 'Renewing':
      return earliest(state.exchange.resendAtMs, state.lease.rebindAtMs);
    case 'Rebinding':
      return earliest(state.exchange.resendAtMs, state.lease.expiresAtMs);
    case 'Stopped':
      return undefined;
  }
}
