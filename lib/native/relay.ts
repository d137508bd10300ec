import { checkDescriptor, checkFunction, checkObject } from './arguments.js';
import type { FileDescriptor, NativeRelay, RelayModule } from './contract.js';

/** What the addon itself exports. */
export interface RawRelayModule {
  start(one: FileDescriptor, other: FileDescriptor, onHalfClosed: () => void, onOver: () => void): NativeRelay;
}

/** Relays of stream sockets: see the contract. Does not block. What a handler throws is an uncaught exception of the process. */
export function createRelayModule(raw: RawRelayModule): RelayModule {
  return {
    start(one, other, handlers) {
      checkDescriptor(one, 'one');
      checkDescriptor(other, 'other');
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onHalfClosed, 'handlers.onHalfClosed');
      checkFunction(handlers.onOver, 'handlers.onOver');
      const relay = raw.start(
        one,
        other,
        () => handlers.onHalfClosed(),
        () => handlers.onOver(),
      );
      return { bytes: () => relay.bytes(), abort: () => relay.abort() };
    },
  };
}
