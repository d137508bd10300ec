/** Frames to bytes and back. Together with messages.ts the only code that knows the generated protobuf classes. */
import { control } from '../gen/control/control.js';
import { ControlError, type FailureKind } from './errors.js';
import { converters, decodeFailureKind, encodeFailureKind, METHOD_NAMES } from './messages.js';
import { enumName, plainFacts } from './plain.js';
import type { ControlEvent, MethodName, ReplyOf, RequestOf, ServiceAction } from './protocol.js';

export type Frame =
  | { kind: 'request'; id: number; method: MethodName; body: RequestOf<MethodName>; deadlineMs: number }
  /** A request of a method that this build does not know: answered, not punished, so that peers may be newer than we are. */
  | { kind: 'unknown-request'; id: number }
  | { kind: 'reply'; id: number; method: MethodName; body: ReplyOf<MethodName> }
  | { kind: 'failure'; id: number; error: ControlError }
  | { kind: 'event'; event: ControlEvent }
  | { kind: 'unknown-event' };

/** Failures are one sentence for people; whatever is longer would not fit a frame beside the rest. */
const MAX_FAILURE_CHARACTERS = 2000;

export function encodeRequest<M extends MethodName>(
  id: number,
  method: M,
  body: RequestOf<M>,
  deadlineMs: number,
): Uint8Array {
  return encode({ id, request: { deadlineMs, ...converters[method].encodeRequest(body) } });
}

export function encodeReply<M extends MethodName>(id: number, method: M, body: ReplyOf<M>): Uint8Array {
  return encode({ id, reply: converters[method].encodeReply(body) });
}

export function encodeFailure(id: number, kind: FailureKind, message: string): Uint8Array {
  const failure = { kind: encodeFailureKind(kind), message: message.slice(0, MAX_FAILURE_CHARACTERS) };
  return encode({ id, reply: { failure } });
}

export function encodeEvent(event: ControlEvent): Uint8Array {
  switch (event.kind) {
    case 'peerConnected':
      return encode({ event: { peerConnected: { peer: event.peer } } });
    case 'shuttingDown':
      return encode({ event: { shuttingDown: {} } });
    case 'networkChanged':
      return encode({ event: { networkChanged: event.facts } });
    case 'identityChanged':
      return encode({ event: { identityChanged: {} } });
    case 'apiServersChanged':
      return encode({ event: { apiServersChanged: {} } });
    case 'eventsPublished':
      return encode({ event: { eventsPublished: {} } });
    case 'listening':
      return encode({ event: { listening: { peer: event.peer } } });
    case 'networkWanted':
      return encode({ event: { networkWanted: {} } });
    case 'podRoutesWanted':
      return encode({ event: { podRoutesWanted: {} } });
    case 'clockStepped':
      return encode({ event: { clockStepped: {} } });
    case 'containerRequested': {
      const action = control.ControlServiceRequest.Action[event.action];
      return encode({ event: { containerRequested: { id: event.id, action } } });
    }
  }
}

function encode(frame: control.Frame.$Properties): Uint8Array {
  return control.Frame.encode(frame).finish();
}

/** @throws Error  when the bytes are no frame: the caller closes the connection. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const { id: wireId, request, reply, event } = control.Frame.decode(bytes);
  const id = Number(wireId);
  if (request) return requestFrame(id, request);
  if (reply) return replyFrame(id, reply);
  if (event) return eventFrame(event);
  throw new Error('a frame without a body');
}

function requestFrame(id: number, request: control.Request.$Properties): Frame {
  if (id === 0) throw new Error('a request without an id');
  const method = METHOD_NAMES.find((name) => request[name] != null);
  if (!method) return { kind: 'unknown-request', id };
  return {
    kind: 'request',
    id,
    method,
    body: converters[method].decodeRequest(request),
    deadlineMs: request.deadlineMs ?? 0,
  };
}

function replyFrame(id: number, reply: control.Reply.$Properties): Frame {
  if (id === 0) throw new Error('a reply without an id');
  const { failure } = reply;
  if (failure) {
    const error = new ControlError(decodeFailureKind(failure.kind ?? 0), failure.message ?? '');
    return { kind: 'failure', id, error };
  }
  const method = METHOD_NAMES.find((name) => reply[name] != null);
  if (!method) throw new Error('a reply without a result');
  return { kind: 'reply', id, method, body: converters[method].decodeReply(reply) };
}

function eventFrame(event: control.Event.$Properties): Frame {
  if (event.peerConnected) {
    return { kind: 'event', event: { kind: 'peerConnected', peer: event.peerConnected.peer ?? '' } };
  }
  if (event.shuttingDown) return { kind: 'event', event: { kind: 'shuttingDown' } };
  if (event.networkChanged) {
    return { kind: 'event', event: { kind: 'networkChanged', facts: plainFacts(event.networkChanged) } };
  }
  if (event.listening) return { kind: 'event', event: { kind: 'listening', peer: event.listening.peer ?? '' } };
  if (event.identityChanged) return { kind: 'event', event: { kind: 'identityChanged' } };
  if (event.apiServersChanged) return { kind: 'event', event: { kind: 'apiServersChanged' } };
  if (event.eventsPublished) return { kind: 'event', event: { kind: 'eventsPublished' } };
  if (event.networkWanted) return { kind: 'event', event: { kind: 'networkWanted' } };
  if (event.podRoutesWanted) return { kind: 'event', event: { kind: 'podRoutesWanted' } };
  if (event.clockStepped) return { kind: 'event', event: { kind: 'clockStepped' } };
  if (event.containerRequested) {
    const { id, action } = event.containerRequested;
    const name = enumName<ServiceAction>(control.ControlServiceRequest.Action, action ?? 0);
    return { kind: 'event', event: { kind: 'containerRequested', id: id ?? '', action: name } };
  }
  return { kind: 'unknown-event' };
}
