import {
  type Responder,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { printable, quoted } from '../base/printable.js';
import type { StrangerLimits } from './limits.js';
import { AddressBuckets, TokenBucket } from './token-bucket.js';

/** Paths of calls that there are not are whatever a client sent. */
const MAX_PATH_LENGTH = 128;

/** Address of a peer that grpc-js names by address and port; '' for one that is gone. */
export function addressOf(peer: string): string {
  const at = peer.lastIndexOf(':');
  return at === -1 ? '' : peer.slice(0, at);
}

/**
 * The gate of all calls, whether or not there is such a call: how many a second, of one address and of all, before anything that the
 * client sends with it is looked at; and a line in the log for each that was let through.
 * @param cut  ends the connection of a peer that asks for more
 */
export function createStrangerGate(
  limits: StrangerLimits,
  cut: (peer: string, reason: string) => void,
  log: (line: string) => void,
): ServerInterceptor {
  const all = new TokenBucket(limits.callsPerSecond, limits.callBurst);
  const byAddress = new AddressBuckets(limits.callsPerSecondPerAddress, limits.callBurstPerAddress);
  return (method, call) => {
    const peer = call.getPeer();
    const reason = byAddress.take(addressOf(peer)) ? (all.take() ? undefined : 'all clients') : 'its address';
    if (reason !== undefined) {
      const details = `too many requests a second of ${reason}`;
      // What it still sends is not worth an answer each.
      call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details, metadata: null });
      setImmediate(() => cut(peer, details));
      return new ServerInterceptingCall(call, new ResponderBuilder().withStart(() => {}).build());
    }
    return new ServerInterceptingCall(call, logging(method.path, peer, log));
  };
}

function logging(path: string, peer: string, log: (line: string) => void): Responder {
  const startedMs = performance.now();
  let isOver = false;
  const end = (code: status, details: string) => {
    if (isOver) return;
    isOver = true;
    const tookMs = (performance.now() - startedMs).toFixed(1);
    const why = code === status.OK || details === '' ? '' : ` ${quoted(details)}`;
    log(`${status[code] ?? code} ${printable(path.slice(0, MAX_PATH_LENGTH))} ${tookMs} ms peer=${peer}${why}`);
  };
  const listener = new ServerListenerBuilder().withOnCancel(() => end(status.CANCELLED, '')).build();
  return new ResponderBuilder()
    .withStart((next) => next(listener))
    .withSendStatus((outcome, next) => {
      end(outcome.code ?? status.UNKNOWN, outcome.details ?? '');
      next(outcome);
    })
    .build();
}
