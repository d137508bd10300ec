import { checkFunction, checkInteger, checkObject, checkOptionalString, checkString } from './arguments.js';
import type { Link, NetlinkModule, UeventMonitor } from './contract.js';

/** What the addon itself exports: an event's properties as one flat array of keys and values. */
export interface RawNetlinkModule {
  links(): Link[];
  setLinkUp(index: number): void;
  addAddress(index: number, address: string): void;
  addRoute(destination: string, gateway: string, index: number): void;
  monitorUevents(
    onUevent: (action: string, devpath: string, subsystem: string, properties: string[]) => void,
    onOverrun: () => void,
  ): UeventMonitor;
}

const MAX_INDEX = 0x7fff_ffff;

/**
 * rtnetlink requests and kernel uevents.
 *
 * The kernel answers a request before the call that sends it returns, so these are synchronous; each may sleep for its lock on
 * the network configuration and gives up after 5 s (ETIMEDOUT). The kernel's own explanation of a refusal is in the message.
 * A route to the same destination is replaced.
 * @throws EINVAL not an address or prefix, or refused by the kernel · ENODEV no such link · ENETUNREACH gateway not reachable
 * by any address yet · EPERM missing CAP_NET_ADMIN · EAGAIN the list of links changed during each of ten attempts
 */
export function createNetlinkModule(raw: RawNetlinkModule): NetlinkModule {
  return {
    links: () => raw.links(),
    setLinkUp(index) {
      checkInteger(index, 'index', 1, MAX_INDEX);
      raw.setLinkUp(index);
    },
    addAddress(index, address) {
      checkInteger(index, 'index', 1, MAX_INDEX);
      checkString(address, 'address');
      raw.addAddress(index, address);
    },
    addRoute(route) {
      checkObject(route, 'route');
      checkString(route.destination, 'route.destination');
      checkOptionalString(route.gateway, 'route.gateway');
      checkInteger(route.index, 'route.index', 1, MAX_INDEX);
      raw.addRoute(route.destination, route.gateway ?? '', route.index);
    },
    monitorUevents(handlers) {
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onUevent, 'handlers.onUevent');
      checkFunction(handlers.onOverrun, 'handlers.onOverrun');
      return raw.monitorUevents(
        (action, devpath, subsystem, properties) =>
          handlers.onUevent({ action, devpath, subsystem, properties: toRecord(properties) }),
        () => handlers.onOverrun(),
      );
    },
  };
}

/** Without a prototype: a key named `__proto__` is a key. */
function toRecord(flat: string[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (let position = 0; position + 1 < flat.length; position += 2) {
    record[flat[position] as string] = flat[position + 1] as string;
  }
  return record;
}
