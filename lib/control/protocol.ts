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

/** What machined tells of a service that runs in a container. */
export interface ContainerReport {
  id: string;
  /** A `ServiceStateName`. */
  state: string;
  /** 0 when there is no process. */
  pid: number;
  /** Name of the image. */
  image: string;
  restarts: number;
  /** What has happened: one sentence. */
  message: string;
  /** The message is about a failure. */
  failed: boolean;
}

/** What is known about one interface: what a DHCP server has said, and the addresses that it has otherwise. */
export interface NetworkFacts {
  /** Name of the interface. */
  link: string;
  /** By DHCP, in CIDR notation; '' when it has none. */
  address: string;
  dnsServers: string[];
  ntpServers: string[];
  /** '' without one, as `hostname`. */
  domain: string;
  searchDomains: string[];
  hostname: string;
  /** Whether there is a link to anybody. */
  carrier: boolean;
  /** Those that others may reach it at and that no DHCP server has given, in CIDR notation. */
  otherAddresses: string[];
  /** Whether an address is asked for by DHCP. */
  dhcp: boolean;
}

/** The way to the pods of another node. */
export interface PodRoute {
  /** CIDR notation without host bits. */
  destination: string;
  /** Address of that node, of the same family. */
  gateway: string;
}

/** Where a server of the Kubernetes API is. */
export interface ApiServer {
  /** Name or address. */
  host: string;
  port: number;
  /** Only for when no other one lives. */
  isFallback: boolean;
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

export type DiskType = 'SSD' | 'HDD' | 'NVME' | 'SD' | 'CD';

/** A disk of the machine, as sysfs has it. */
export interface DiskFacts {
  /** Bytes. */
  size: number;
  model: string;
  /** Path of the device node. */
  deviceName: string;
  name: string;
  serial: string;
  modalias: string;
  uuid: string;
  wwid: string;
  type: DiskType;
  busPath: string;
  /** The node itself lives on it. */
  systemDisk: boolean;
  subsystem: string;
  readonly: boolean;
}

export type ServiceAction = 'START' | 'STOP' | 'RESTART';
export type PowerAction = 'REBOOT' | 'SHUTDOWN';
/** What makes a device look like something, or all of it. */
export type WipeMethod = 'FAST' | 'ZEROES';
export type ConfigOutcome = 'ACCEPTED' | 'NOT_LOADED' | 'NOT_VALID';

/** Every method: who serves it is said in the .proto file, who may call it in the server's allow-list. */
export interface MethodTable {
  listServices: { request: Record<never, never>; reply: { services: Service[] } };
  /** With STOP and `untilEnded` the reply comes when it has ended. */
  controlService: { request: { id: string; action: ServiceAction; untilEnded?: true }; reply: { message: string } };
  /** Of a service that the asker looks after: what comes behind its definition's arguments, from its next start on. */
  setServiceArguments: { request: { id: string; arguments: string[] }; reply: Record<never, never> };
  /** Descriptors: the ring's memory, then with `follow` the doorbell. */
  openLog: { request: { id: string; follow: boolean }; reply: { subscription: number } };
  closeLog: { request: { subscription: number }; reply: Record<never, never> };
  /** Descriptors: /dev/kmsg, read-only. */
  openKmsg: { request: { tail: boolean }; reply: Record<never, never> };
  /** With `drain` pods are moved away first; with `reset`, `disksToWipe` (paths) and `partitionsToWipe` (STATE, EPHEMERAL) are wiped when the services have stopped. */
  power: {
    request: {
      action: PowerAction;
      force: boolean;
      actorId: string;
      reason: string;
      drain: boolean;
      reset: boolean;
      disksToWipe: string[];
      partitionsToWipe: string[];
    };
    reply: Record<never, never>;
  };
  /** '': the config names none. */
  setHostname: { request: { hostname: string }; reply: Record<never, never> };
  /** Descriptors: the asker's end of the new connection. */
  connect: { request: { peer: string }; reply: Record<never, never> };
  /** The asker serves its clients from now on. */
  reportListening: { request: { port: number }; reply: Record<never, never> };
  /** osd serves what a node without a machine config serves. */
  reportMaintenance: { request: { port: number }; reply: Record<never, never> };
  /** The asker has configured an interface, or found that it cannot. */
  reportNetwork: { request: { facts: NetworkFacts }; reply: Record<never, never> };
  /** What the machine config says about network and time (lib/config/network-document.ts). */
  setNetwork: { request: { document: Uint8Array; isUrgent: boolean }; reply: Record<never, never> };
  /** What networkd is to do; empty while there is no machine config. */
  describeNetwork: { request: Record<never, never>; reply: { document: Uint8Array } };
  /** Where the pods of other nodes are, all of them. */
  setPodRoutes: { request: { routes: PodRoute[] }; reply: Record<never, never> };
  describePodRoutes: { request: Record<never, never>; reply: { routes: PodRoute[] } };
  /** networkd has set the clock, by so much. */
  reportClock: { request: { steppedMs: number; server: string }; reply: Record<never, never> };
  /** Node events after that one, as many as fit; none when there are no more, and then an event tells when there are. */
  readEvents: { request: { after: number }; reply: { events: NodeEvent[] } };
  /** How the asker fares, or the service that it looks after; '': the asker. */
  reportHealth: { request: { healthy: boolean; message: string; service: string }; reply: Record<never, never> };
  /** What became of the machine config, and what it says about servers. */
  reportConfig: {
    request: { outcome: ConfigOutcome; problem: string; timeServers: string[]; nameServers: string[] };
    reply: Record<never, never>;
  };
  /** Where STATE and EPHEMERAL are: the paths of disks, or '' for in memory. */
  reportVolumes: { request: { stateDisk: string; ephemeralDisk: string }; reply: Record<never, never> };
  describeTime: { request: Record<never, never>; reply: { timeServers: string[]; nameServers: string[] } };
  /** A service that runs in a container: machined runs it, init shows it. */
  reportContainer: { request: ContainerReport; reply: Record<never, never> };
  /** Descriptors: writing ends of pipes into the log of a container, standard output and standard error. */
  openContainerLog: { request: { id: string }; reply: Record<never, never> };
  /** Descriptors: an end of a control connection of that container, in place of an earlier one. */
  openContainerControl: { request: { id: string }; reply: Record<never, never> };
  /** Asked by init itself, of machined, when the node goes down and everything still runs. */
  drainNode: { request: Record<never, never>; reply: Record<never, never> };
  /** Asked by init itself, of machined, when the node goes down. */
  stopContainers: { request: Record<never, never>; reply: Record<never, never> };
  /** Asked by init itself, of machined, when the services have stopped. */
  wipeDisks: { request: { disks: string[]; partitions: string[] }; reply: Record<never, never> };
  /** `signingRequest`: PKCS #10 (PEM) by the same key, for a node that has to ask a control plane. */
  issueCertificate: {
    request: { publicKey: Uint8Array; signingRequest: Uint8Array };
    /** `isMaintenance`: the node has no machine config; nobody knows the certificate's authority, and no client has a certificate. */
    reply: { certificate: Uint8Array; acceptedCas: Uint8Array; notAfterMs: number; isMaintenance: boolean };
  };
  /** For a node that joins: a key that it has proved to have, where it comes from, what it has shown. */
  issueNodeCertificate: {
    request: { publicKey: Uint8Array; address: string; token: string };
    reply: { certificate: Uint8Array; acceptedCas: Uint8Array };
  };
  /** Where the Kubernetes API is served, as far as the config and the API itself know. */
  describeApiServers: { request: Record<never, never>; reply: { servers: ApiServer[]; nameServers: string[] } };
  /** Descriptors: with `streamed` the reading end of a stream of items (query-stream.ts). */
  query: { request: QueryRequest; reply: { message: Uint8Array; streamed: boolean } };
  /** Descriptors: the reading end of a stream of items (query-stream.ts). */
  openQueryStream: { request: QueryRequest; reply: Record<never, never> };
  /** A piece of a request that does not fit a frame. */
  uploadPart: { request: { upload: number; data: Uint8Array }; reply: Record<never, never> };
  /** To a node without a machine config: one, or with `problem` why there is none. */
  offerConfig: {
    request: { data: Uint8Array; upload: number; source: string; isDryRun: boolean; problem: string };
    reply: { warnings: string[] };
  };
  /** `systemDevices`: MAJOR:MINOR of what the node lives on. */
  listDisks: { request: { systemDevices: string[] }; reply: { disks: DiskFacts[] } };
  /** Descriptors, of the request: the device, exclusively opened to read and write. `marks`: names of what it looked like. */
  wipeDevice: { request: { method: WipeMethod }; reply: { marks: string[] } };
}

/** Requests that bring descriptors, and how many. All others bring none, and whoever sends some is cut off. */
export const REQUEST_DESCRIPTORS: { readonly [M in MethodName]?: number } = { wipeDevice: 1 };

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
  /** `describeApiServers` has another answer now. */
  | { kind: 'apiServersChanged' }
  /** There are node events after those that this peer has read. */
  | { kind: 'eventsPublished' }
  /** That service serves its clients from now on. */
  | { kind: 'listening'; peer: string }
  /** To networkd: there is another document. */
  | { kind: 'networkWanted' }
  /** To networkd: there are other routes to pods. */
  | { kind: 'podRoutesWanted' }
  /** What was computed from the clock may be wrong. */
  | { kind: 'clockStepped' }
  /** A service in a container is to be started, stopped or restarted. */
  | { kind: 'containerRequested'; id: string; action: ServiceAction };
