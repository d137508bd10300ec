/**
 * The messages of proto/control/control.proto as plain objects: what the generated code calls optional-or-null-or-Long is here
 * what it means. Only codec.ts and messages.ts touch the generated code.
 */

import type { NodeEvent } from './node-event.js';

/** A packet, descriptors apart, is at most this long; either side closes the connection above it. */
export const MAX_FRAME_BYTES = 64 * 1024;

export type ServiceStateName = 'Waiting' | 'Starting' | 'Running' | 'Stopping' | 'Finished' | 'Failed';

export interface ServiceEvent {
  message: string;
  state: string;
  /** Wall-clock milliseconds. */
  timeMs: number;
}

export interface Service {
  id: string;
  /** A `ServiceStateName` of the server's own version. */
  state: string;
  /** 0 when there is no process. */
  pid: number;
  image: string;
  restarts: number;
  lastLogLine: string;
  events: ServiceEvent[];
  lastChangeMs: number;
  healthUnknown: boolean;
  healthy: boolean;
  /** What it said of itself; '' while nothing is known. */
  healthMessage: string;
}

/** What a DHCP server has said about one interface. */
export interface NetworkFacts {
  /** Name of the interface. */
  link: string;
  /** CIDR notation; '' when it has none. */
  address: string;
  dnsServers: string[];
  ntpServers: string[];
  /** '' without one, as `hostname`. */
  domain: string;
  searchDomains: string[];
  hostname: string;
  /** Whether there is a link to anybody. */
  carrier: boolean;
}

/** A call of the machine API that osd passes on, having decided that its client may make it. */
export interface QueryRequest {
  /** '/machine.MachineService/Processes' */
  path: string;
  /** Encoded. */
  request: Uint8Array;
  /** Who asks, for the log. */
  caller: string;
  /** Number of the upload that has the request instead; 0: none. */
  upload: number;
}

export type ServiceAction = 'START' | 'STOP' | 'RESTART';
export type PowerAction = 'REBOOT' | 'SHUTDOWN';
export type ConfigOutcome = 'ACCEPTED' | 'NOT_LOADED' | 'NOT_VALID';

/** Every method: who serves it is said in the .proto file, who may call it in the server's allow-list. */
export interface MethodTable {
  listServices: { request: Record<never, never>; reply: { services: Service[] } };
  controlService: { request: { id: string; action: ServiceAction }; reply: { message: string } };
  /** Descriptors: the ring's memory, then with `follow` the doorbell. */
  openLog: { request: { id: string; follow: boolean }; reply: { subscription: number } };
  closeLog: { request: { subscription: number }; reply: Record<never, never> };
  /** Descriptors: /dev/kmsg, read-only. */
  openKmsg: { request: { tail: boolean }; reply: Record<never, never> };
  /** With `reset`, `disksToWipe` are wiped when the services have stopped. */
  power: {
    request: {
      action: PowerAction;
      force: boolean;
      actorId: string;
      reason: string;
      reset: boolean;
      disksToWipe: string[];
    };
    reply: Record<never, never>;
  };
  /** '': the config names none. */
  setHostname: { request: { hostname: string }; reply: Record<never, never> };
  /** Descriptors: the asker's end of the new connection. */
  connect: { request: { peer: string }; reply: Record<never, never> };
  /** The asker serves its clients from now on. */
  reportListening: { request: { port: number }; reply: Record<never, never> };
  /** The asker has configured an interface, or found that it cannot. */
  reportNetwork: { request: { facts: NetworkFacts }; reply: Record<never, never> };
  /** The config wants DHCP on an interface; '' for the first one. */
  startDhcp: { request: { link: string }; reply: Record<never, never> };
  /** What networkd is to do. */
  describeDhcp: { request: Record<never, never>; reply: { wanted: boolean; link: string; hostname: string } };
  /** Node events after that one, as many as fit; none when there are no more, and then an event tells when there are. */
  readEvents: { request: { after: number }; reply: { events: NodeEvent[] } };
  /** How the asker fares. */
  reportHealth: { request: { healthy: boolean; message: string }; reply: Record<never, never> };
  /** What became of the machine config, and what it says about servers. */
  reportConfig: {
    request: { outcome: ConfigOutcome; problem: string; timeServers: string[]; nameServers: string[] };
    reply: Record<never, never>;
  };
  describeTime: { request: Record<never, never>; reply: { timeServers: string[]; nameServers: string[] } };
  /** Asked by init itself, of machined, when the services have stopped. */
  wipeDisks: { request: { disks: string[] }; reply: Record<never, never> };
  issueCertificate: {
    request: { publicKey: Uint8Array };
    reply: { certificate: Uint8Array; acceptedCas: Uint8Array; notAfterMs: number };
  };
  /** Descriptors: with `streamed` the reading end of a stream of items (query-stream.ts). */
  query: { request: QueryRequest; reply: { message: Uint8Array; streamed: boolean } };
  /** Descriptors: the reading end of a stream of items (query-stream.ts). */
  openQueryStream: { request: QueryRequest; reply: Record<never, never> };
  /** A piece of a request that does not fit a frame. */
  uploadPart: { request: { upload: number; data: Uint8Array }; reply: Record<never, never> };
}

export type MethodName = keyof MethodTable;
export type RequestOf<M extends MethodName> = MethodTable[M]['request'];
export type ReplyOf<M extends MethodName> = MethodTable[M]['reply'];

/** What a server tells its peers unasked. `peerConnected` brings one descriptor: the connection to that peer. */
export type ControlEvent =
  | { kind: 'peerConnected'; peer: string }
  | { kind: 'shuttingDown' }
  | { kind: 'networkChanged'; facts: NetworkFacts }
  /** Certificate or accepted CAs, as machined issued them, are outdated. */
  | { kind: 'identityChanged' }
  /** There are node events after those that this peer has read. */
  | { kind: 'eventsPublished' };
