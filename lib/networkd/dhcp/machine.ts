/**
 * A DHCPv4 client as a pure function (RFC 2131, figure 5): a state and an input give the next state and what is to be done.
 *
 * | state \ input | carrier      | no carrier    | offer      | ack   | nak             | its time has come                  | stop          |
 * |---------------|--------------|---------------|------------|-------|-----------------|------------------------------------|---------------|
 * | NoCarrier     | Rebooting or | -             | -          | -     | -               | (address expired) deconfigure      | Stopped       |
 * |               | Selecting    |               |            |       |                 |                                    |               |
 * | Waiting       | -            | NoCarrier     | -          | -     | -               | Selecting                          | Stopped       |
 * | Selecting     | -            | NoCarrier     | Requesting | -     | -               | DISCOVER again                     | Stopped       |
 * | Requesting    | -            | NoCarrier     | -          | Bound | Waiting, deconf.| REQUEST again; after 4, Selecting  | Stopped       |
 * | Rebooting     | -            | NoCarrier     | -          | Bound | Waiting, deconf.| REQUEST again; after 2, Selecting  | Stopped       |
 * | Bound         | -            | NoCarrier     | -          | -     | -               | Renewing                           | Stopped; with |
 * | Renewing      | -            | NoCarrier     | -          | Bound | Waiting, deconf.| REQUEST again; at T2, Rebinding    | release: says |
 * | Rebinding     | -            | NoCarrier     | -          | Bound | Waiting, deconf.| REQUEST again; at the end of the   | RELEASE       |
 * |               |              |               |            |       |                 | lease: deconfigure, Selecting      |               |
 *
 * "-": nothing changes. Rebooting is RFC 2131's INIT-REBOOT: an address that we have had is asked for again, without asking who has one.
 * It is in use meanwhile, also while there is no carrier and while Selecting or Requesting, until its lease ends (`held`). Waiting is
 * INIT after a refusal. The first good offer is taken. A reply with another transaction id is an answer to nobody.
 */
import { SECOND_MS } from '../../base/units.js';
import type { DhcpServerMessage } from '../../native/contract.js';
import { type Exchange, firstAttempt, fraction, nextAttempt, renewalAttempt, type Surroundings } from './exchange.js';
import { type Lease, leaseOf } from './lease.js';
import {
  type DhcpEffect,
  type DhcpInput,
  type DhcpState,
  type HeldAddress,
  type Request,
  type Step,
  wakeAtMs,
} from './state.js';

const MAX_REQUESTS = 4;
const MAX_REBOOT_REQUESTS = 2;
/** Each refusal in a row doubles the wait for the next attempt; the first costs none. */
const LONGEST_WAIT_MS = 64 * SECOND_MS;

/** What is to be done about an input. */
export function step(state: DhcpState, input: DhcpInput, world: Surroundings): Step {
  if (state.kind === 'Stopped') return unchanged(state);
  switch (input.kind) {
    case 'carrier':
      return onCarrier(state, input.isUp, world);
    case 'message':
      return onMessage(state, input.message, world);
    case 'timer':
      return onTimer(state, world);
    case 'stop':
      return onStop(state, input.release, world);
  }
}

type Live = Exclude<DhcpState, { kind: 'Stopped' }>;

function onCarrier(state: Live, isUp: boolean, world: Surroundings): Step {
  if (!isUp) {
    if (state.kind === 'NoCarrier') return unchanged(state);
    return { state: { kind: 'NoCarrier', held: heldBy(state) }, effects: [], message: 'the carrier is gone' };
  }
  if (state.kind !== 'NoCarrier') return unchanged(state);
  const { held } = state;
  if (!held) return select(world, 'looking for an address');
  if (held.expiresAtMs <= world.nowMs) return expire(held.address, world);
  return reboot(held, firstAttempt(world), `asking for ${held.address} again`);
}

function onMessage(state: Live, message: DhcpServerMessage, world: Surroundings): Step {
  if (!('exchange' in state) || message.xid !== state.exchange.xid) return unchanged(state);
  if (state.kind === 'Selecting') return message.type === 'offer' ? request(state, message, world) : unchanged(state);
  if (state.kind === 'Requesting' && message.serverId !== state.offer.serverId) return unchanged(state);
  if (message.type === 'nak') return refused(state, message, world);
  if (message.type !== 'ack') return unchanged(state);
  const lease = leaseOf(message, state.exchange.startedAtMs, fraction(world));
  return {
    state: { kind: 'Bound', lease },
    effects: [{ kind: 'configure', lease }],
    message: describe(state, lease, message),
  };
}

function onTimer(state: Live, world: Surroundings): Step {
  if (world.nowMs < (wakeAtMs(state) ?? Number.POSITIVE_INFINITY)) return unchanged(state);
  switch (state.kind) {
    case 'NoCarrier':
      return {
        state: { kind: 'NoCarrier', held: undefined },
        effects: [{ kind: 'deconfigure' }],
        message: ended(state.held),
      };
    case 'Waiting':
      return select(world, 'looking for an address', undefined, state.refusals);
    case 'Bound':
    case 'Renewing':
    case 'Rebinding':
      return onLeaseAges(state, world);
    default:
      return onUnanswered(state, world);
  }
}

/** Whichever of its three moments has passed: after a suspend it may be the last one at once. */
function onLeaseAges(state: Extract<Live, { lease: Lease }>, world: Surroundings): Step {
  const { lease } = state;
  if (world.nowMs >= lease.expiresAtMs) return expire(lease.address, world);
  if (world.nowMs >= lease.rebindAtMs) {
    return rebind(lease, state.kind === 'Rebinding' ? state.exchange : undefined, world);
  }
  return renew(lease, world, state.kind === 'Renewing' ? state.exchange : undefined);
}

/** A question of a client without a lease got no answer, or the address that it still had has expired. */
function onUnanswered(
  state: Extract<Live, { kind: 'Selecting' | 'Requesting' | 'Rebooting' }>,
  world: Surroundings,
): Step {
  const { held } = state;
  if (held && held.expiresAtMs <= world.nowMs) {
    if (state.kind === 'Rebooting') return expire(held.address, world);
    return { state: { ...state, held: undefined }, effects: [{ kind: 'deconfigure' }], message: ended(held) };
  }
  const exchange = nextAttempt(state.exchange, world);
  switch (state.kind) {
    case 'Selecting':
      return { state: { ...state, exchange }, effects: [discover(exchange)] };
    case 'Requesting':
      if (state.exchange.attempts >= MAX_REQUESTS) {
        return select(world, `${state.offer.serverId} does not answer any more`, held, state.refusals);
      }
      // Relays know by `secs` which servers the first message went to: it stays what it was then.
      return resent({ ...state, exchange: { ...exchange, seconds: state.exchange.seconds } });
    case 'Rebooting':
      if (state.exchange.attempts >= MAX_REBOOT_REQUESTS) {
        return select(world, `nobody answers for ${state.held.address}: looking for an address`, held);
      }
      return reboot(state.held, exchange);
  }
}

function onStop(state: Live, release: boolean, world: Surroundings): Step {
  if (!release || !('lease' in state)) return { state: { kind: 'Stopped' }, effects: [] };
  const { address, serverId } = state.lease;
  const request: Request = { type: 'release', xid: world.random(), seconds: 0, clientAddress: address, serverId };
  return {
    state: { kind: 'Stopped' },
    // The interface keeps the address: the message may still wait for the server's link address, and would go with ours.
    effects: [{ kind: 'unicast', request, destination: serverId }],
    message: `giving ${address} back to ${serverId}`,
  };
}

function select(world: Surroundings, message: string, held?: HeldAddress, refusals = 0): Step {
  const exchange = firstAttempt(world);
  return { state: { kind: 'Selecting', exchange, held, refusals }, effects: [discover(exchange)], message };
}

function request(
  { exchange: { xid, seconds }, held, refusals }: Extract<DhcpState, { kind: 'Selecting' }>,
  offer: DhcpServerMessage,
  world: Surroundings,
): Step {
  const exchange = { ...firstAttempt(world), xid, seconds };
  const next = resent({ kind: 'Requesting', exchange, offer, held, refusals });
  return { ...next, message: `${offer.serverId} offers ${offer.yourAddress}` };
}

function resent(state: Extract<DhcpState, { kind: 'Requesting' }>): Step {
  const { yourAddress: requestedAddress, serverId } = state.offer;
  const { xid, seconds } = state.exchange;
  return {
    state,
    effects: [{ kind: 'broadcast', request: { type: 'request', xid, seconds, requestedAddress, serverId } }],
  };
}

function reboot(held: HeldAddress, exchange: Exchange, message?: string): Step {
  const { xid, seconds } = exchange;
  const request: Request = { type: 'request', xid, seconds, requestedAddress: held.address };
  return {
    state: { kind: 'Rebooting', exchange, held },
    effects: [{ kind: 'broadcast', request }],
    ...(message !== undefined && { message }),
  };
}

function renew(lease: Lease, world: Surroundings, exchange?: Exchange): Step {
  const next = renewalAttempt(exchange, lease.rebindAtMs, world);
  const effect: DhcpEffect = { kind: 'unicast', request: extension(lease, next), destination: lease.serverId };
  return { state: { kind: 'Renewing', lease, exchange: next }, effects: [effect] };
}

function rebind(lease: Lease, exchange: Exchange | undefined, world: Surroundings): Step {
  const next = renewalAttempt(exchange, lease.expiresAtMs, world);
  return {
    state: { kind: 'Rebinding', lease, exchange: next },
    effects: [{ kind: 'broadcast', request: extension(lease, next) }],
    ...(!exchange && { message: `${lease.serverId} does not renew ${lease.address}: asking every server` }),
  };
}

/** Of a request for more time: it names the address as ours, and nothing else. */
function extension({ address }: Lease, { xid, seconds }: Exchange): Request {
  return { type: 'request', xid, seconds, clientAddress: address };
}

function discover({ xid, seconds }: Exchange): DhcpEffect {
  return { kind: 'broadcast', request: { type: 'discover', xid, seconds } };
}

/** The lease is over without anybody having extended it. */
function expire(address: string, world: Surroundings): Step {
  const next = select(world, `the lease of ${address} has ended: looking for an address`);
  return { ...next, effects: [{ kind: 'deconfigure' }, ...next.effects] };
}

function refused(
  state: Extract<Live, { kind: 'Requesting' | 'Rebooting' | 'Renewing' | 'Rebinding' }>,
  nak: DhcpServerMessage,
  { nowMs }: Surroundings,
): Step {
  const refusals = ('refusals' in state ? state.refusals : 0) + 1;
  const waitMs = refusals === 1 ? 0 : Math.min(2 ** (refusals - 1) * SECOND_MS, LONGEST_WAIT_MS);
  const why = nak.text === undefined ? '' : `: ${nak.text}`;
  return {
    state: { kind: 'Waiting', untilMs: nowMs + waitMs, refusals },
    effects: heldBy(state) ? [{ kind: 'deconfigure' }] : [],
    message: `${nak.serverId} refuses${why}; trying again${waitMs === 0 ? '' : ` in ${waitMs / SECOND_MS} s`}`,
  };
}

function heldBy(state: Live): HeldAddress | undefined {
  if ('lease' in state) return { address: state.lease.address, expiresAtMs: state.lease.expiresAtMs };
  return 'held' in state ? state.held : undefined;
}

function describe(
  before: Live,
  { address, prefixLength, serverId }: Lease,
  { leaseSeconds }: DhcpServerMessage,
): string {
  const howLong = Number.isFinite(leaseSeconds) ? `for ${leaseSeconds} s` : 'for ever';
  const isMore = 'lease' in before && before.lease.address === address;
  return `${isMore ? 'renewed' : 'leased'} ${address}/${prefixLength} from ${serverId} ${howLong}`;
}

function ended(held: HeldAddress | undefined): string {
  return `the lease of ${held?.address} has ended`;
}

function unchanged(state: DhcpState): Step {
  return { state, effects: [] };
}
