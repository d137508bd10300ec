/** Between the generated message classes and the plain objects of protocol.ts, one entry a method. */
import { control } from '../gen/control/control.js';
import type { FailureKind } from './errors.js';
import { plainNodeEvent, wireNodeEvent } from './node-event.js';
import { enumName, plainDisk, plainFacts, plainPodRoute, plainQuery, plainService } from './plain.js';
import type {
  ConfigOutcome,
  MethodName,
  PowerAction,
  ReplyOf,
  RequestOf,
  ServiceAction,
  WipeMethod,
} from './protocol.js';

type WireRequest = control.Request.$Properties;
type WireReply = control.Reply.$Properties;

interface Converter<M extends MethodName> {
  encodeRequest(body: RequestOf<M>): WireRequest;
  /** Undefined fields cannot occur: the oneof says that the member is there. */
  decodeRequest(request: WireRequest): RequestOf<M>;
  encodeReply(body: ReplyOf<M>): WireReply;
  decodeReply(reply: WireReply): ReplyOf<M>;
}

const { ControlServiceRequest, Disk, PowerRequest, ReportConfigRequest, Failure, WipeDeviceRequest } = control;

export const converters: { readonly [M in MethodName]: Converter<M> } = {
  listServices: {
    encodeRequest: () => ({ listServices: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ services }) => ({ listServices: { services } }),
    decodeReply: (reply) => ({ services: (reply.listServices?.services ?? []).map(plainService) }),
  },
  controlService: {
    encodeRequest: ({ action, ...body }) => ({
      controlService: { action: ControlServiceRequest.Action[action], ...body },
    }),
    decodeRequest: ({ controlService: body }) => ({
      id: body?.id ?? '',
      action: enumName<ServiceAction>(ControlServiceRequest.Action, body?.action ?? 0),
      ...(body?.untilEnded && { untilEnded: true }),
    }),
    encodeReply: ({ message }) => ({ controlService: { message } }),
    decodeReply: (reply) => ({ message: reply.controlService?.message ?? '' }),
  },
  setServiceArguments: {
    encodeRequest: (body) => ({ setServiceArguments: body }),
    decodeRequest: ({ setServiceArguments: body }) => ({ id: body?.id ?? '', arguments: [...(body?.arguments ?? [])] }),
    encodeReply: () => ({ setServiceArguments: {} }),
    decodeReply: () => ({}),
  },
  openLog: {
    encodeRequest: ({ id, follow }) => ({ openLog: { id, follow } }),
    decodeRequest: ({ openLog: body }) => ({ id: body?.id ?? '', follow: body?.follow ?? false }),
    encodeReply: ({ subscription }) => ({ openLog: { subscription } }),
    decodeReply: (reply) => ({ subscription: reply.openLog?.subscription ?? 0 }),
  },
  closeLog: {
    encodeRequest: ({ subscription }) => ({ closeLog: { subscription } }),
    decodeRequest: ({ closeLog: body }) => ({ subscription: body?.subscription ?? 0 }),
    encodeReply: () => ({ closeLog: {} }),
    decodeReply: () => ({}),
  },
  openKmsg: {
    encodeRequest: ({ tail }) => ({ openKmsg: { tail } }),
    decodeRequest: ({ openKmsg: body }) => ({ tail: body?.tail ?? false }),
    encodeReply: () => ({ openKmsg: {} }),
    decodeReply: () => ({}),
  },
  power: {
    encodeRequest: ({ action, ...body }) => ({ power: { action: PowerRequest.Action[action], ...body } }),
    decodeRequest: ({ power: body }) => ({
      action: enumName<PowerAction>(PowerRequest.Action, body?.action ?? 0),
      force: body?.force ?? false,
      actorId: body?.actorId ?? '',
      reason: body?.reason ?? '',
      drain: body?.drain ?? false,
      reset: body?.reset ?? false,
      disksToWipe: [...(body?.disksToWipe ?? [])],
      partitionsToWipe: [...(body?.partitionsToWipe ?? [])],
    }),
    encodeReply: () => ({ power: {} }),
    decodeReply: () => ({}),
  },
  setHostname: {
    encodeRequest: ({ hostname }) => ({ setHostname: { hostname } }),
    decodeRequest: ({ setHostname: body }) => ({ hostname: body?.hostname ?? '' }),
    encodeReply: () => ({ setHostname: {} }),
    decodeReply: () => ({}),
  },
  connect: {
    encodeRequest: ({ peer }) => ({ connect: { peer } }),
    decodeRequest: ({ connect: body }) => ({ peer: body?.peer ?? '' }),
    encodeReply: () => ({ connect: {} }),
    decodeReply: () => ({}),
  },
  reportListening: {
    encodeRequest: ({ port }) => ({ reportListening: { port } }),
    decodeRequest: ({ reportListening: body }) => ({ port: body?.port ?? 0 }),
    encodeReply: () => ({ reportListening: {} }),
    decodeReply: () => ({}),
  },
  reportMaintenance: {
    encodeRequest: ({ port }) => ({ reportMaintenance: { port } }),
    decodeRequest: ({ reportMaintenance: body }) => ({ port: body?.port ?? 0 }),
    encodeReply: () => ({ reportMaintenance: {} }),
    decodeReply: () => ({}),
  },
  reportNetwork: {
    encodeRequest: ({ facts }) => ({ reportNetwork: { facts } }),
    decodeRequest: ({ reportNetwork: body }) => ({ facts: plainFacts(body?.facts) }),
    encodeReply: () => ({ reportNetwork: {} }),
    decodeReply: () => ({}),
  },
  setNetwork: {
    encodeRequest: ({ document, isUrgent }) => ({ setNetwork: { document, urgent: isUrgent } }),
    decodeRequest: ({ setNetwork: body }) => ({
      document: body?.document ?? new Uint8Array(),
      isUrgent: body?.urgent ?? false,
    }),
    encodeReply: () => ({ setNetwork: {} }),
    decodeReply: () => ({}),
  },
  describeNetwork: {
    encodeRequest: () => ({ describeNetwork: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ document }) => ({ describeNetwork: { document } }),
    decodeReply: ({ describeNetwork: body }) => ({ document: body?.document ?? new Uint8Array() }),
  },
  setPodRoutes: {
    encodeRequest: (body) => ({ setPodRoutes: body }),
    decodeRequest: ({ setPodRoutes: body }) => ({ routes: (body?.routes ?? []).map(plainPodRoute) }),
    encodeReply: () => ({ setPodRoutes: {} }),
    decodeReply: () => ({}),
  },
  describePodRoutes: {
    encodeRequest: () => ({ describePodRoutes: {} }),
    decodeRequest: () => ({}),
    encodeReply: (body) => ({ describePodRoutes: body }),
    decodeReply: ({ describePodRoutes: body }) => ({ routes: (body?.routes ?? []).map(plainPodRoute) }),
  },
  reportClock: {
    encodeRequest: ({ steppedMs, server }) => ({ reportClock: { steppedMs, server } }),
    decodeRequest: ({ reportClock: body }) => ({
      steppedMs: Number(body?.steppedMs ?? 0),
      server: body?.server ?? '',
    }),
    encodeReply: () => ({ reportClock: {} }),
    decodeReply: () => ({}),
  },
  readEvents: {
    encodeRequest: ({ after }) => ({ readEvents: { after } }),
    decodeRequest: ({ readEvents: body }) => ({ after: Number(body?.after ?? 0) }),
    encodeReply: ({ events }) => ({ readEvents: { events: events.map(wireNodeEvent) } }),
    decodeReply: ({ readEvents: body }) => ({ events: (body?.events ?? []).map(plainNodeEvent) }),
  },
  reportHealth: {
    encodeRequest: (body) => ({ reportHealth: body }),
    decodeRequest: ({ reportHealth: body }) => ({
      healthy: body?.healthy ?? false,
      message: body?.message ?? '',
      service: body?.service ?? '',
    }),
    encodeReply: () => ({ reportHealth: {} }),
    decodeReply: () => ({}),
  },
  reportConfig: {
    encodeRequest: ({ outcome, ...body }) => ({
      reportConfig: { outcome: ReportConfigRequest.Outcome[outcome], ...body },
    }),
    decodeRequest: ({ reportConfig: body }) => ({
      outcome: enumName<ConfigOutcome>(ReportConfigRequest.Outcome, body?.outcome ?? 0),
      problem: body?.problem ?? '',
      timeServers: [...(body?.timeServers ?? [])],
      nameServers: [...(body?.nameServers ?? [])],
    }),
    encodeReply: () => ({ reportConfig: {} }),
    decodeReply: () => ({}),
  },
  reportVolumes: {
    encodeRequest: ({ stateDisk, ephemeralDisk }) => ({ reportVolumes: { stateDisk, ephemeralDisk } }),
    decodeRequest: ({ reportVolumes: body }) => ({
      stateDisk: body?.stateDisk ?? '',
      ephemeralDisk: body?.ephemeralDisk ?? '',
    }),
    encodeReply: () => ({ reportVolumes: {} }),
    decodeReply: () => ({}),
  },
  describeTime: {
    encodeRequest: () => ({ describeTime: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ timeServers, nameServers }) => ({ describeTime: { timeServers, nameServers } }),
    decodeReply: ({ describeTime: body }) => ({
      timeServers: [...(body?.timeServers ?? [])],
      nameServers: [...(body?.nameServers ?? [])],
    }),
  },
  reportContainer: {
    encodeRequest: (body) => ({ reportContainer: body }),
    decodeRequest: ({ reportContainer: body }) => ({
      id: body?.id ?? '',
      state: body?.state ?? '',
      pid: body?.pid ?? 0,
      image: body?.image ?? '',
      restarts: body?.restarts ?? 0,
      message: body?.message ?? '',
      failed: body?.failed ?? false,
    }),
    encodeReply: () => ({ reportContainer: {} }),
    decodeReply: () => ({}),
  },
  openContainerLog: {
    encodeRequest: ({ id }) => ({ openContainerLog: { id } }),
    decodeRequest: ({ openContainerLog: body }) => ({ id: body?.id ?? '' }),
    encodeReply: () => ({ openContainerLog: {} }),
    decodeReply: () => ({}),
  },
  openContainerControl: {
    encodeRequest: ({ id }) => ({ openContainerControl: { id } }),
    decodeRequest: ({ openContainerControl: body }) => ({ id: body?.id ?? '' }),
    encodeReply: () => ({ openContainerControl: {} }),
    decodeReply: () => ({}),
  },
  drainNode: {
    encodeRequest: () => ({ drainNode: {} }),
    decodeRequest: () => ({}),
    encodeReply: () => ({ drainNode: {} }),
    decodeReply: () => ({}),
  },
  stopContainers: {
    encodeRequest: () => ({ stopContainers: {} }),
    decodeRequest: () => ({}),
    encodeReply: () => ({ stopContainers: {} }),
    decodeReply: () => ({}),
  },
  wipeDisks: {
    encodeRequest: (body) => ({ wipeDisks: body }),
    decodeRequest: ({ wipeDisks: body }) => ({
      disks: [...(body?.disks ?? [])],
      partitions: [...(body?.partitions ?? [])],
    }),
    encodeReply: () => ({ wipeDisks: {} }),
    decodeReply: () => ({}),
  },
  issueCertificate: {
    encodeRequest: (body) => ({ issueCertificate: body }),
    decodeRequest: ({ issueCertificate: body }) => ({
      publicKey: body?.publicKey ?? new Uint8Array(),
      signingRequest: body?.signingRequest ?? new Uint8Array(),
    }),
    encodeReply: ({ isMaintenance, ...body }) => ({ issueCertificate: { ...body, maintenance: isMaintenance } }),
    decodeReply: ({ issueCertificate: body }) => ({
      certificate: body?.certificate ?? new Uint8Array(),
      acceptedCas: body?.acceptedCas ?? new Uint8Array(),
      notAfterMs: Number(body?.notAfterMs ?? 0),
      isMaintenance: body?.maintenance ?? false,
    }),
  },
  issueNodeCertificate: {
    encodeRequest: (body) => ({ issueNodeCertificate: body }),
    decodeRequest: ({ issueNodeCertificate: body }) => ({
      publicKey: body?.publicKey ?? new Uint8Array(),
      address: body?.address ?? '',
      token: body?.token ?? '',
    }),
    encodeReply: (body) => ({ issueNodeCertificate: body }),
    decodeReply: ({ issueNodeCertificate: body }) => ({
      certificate: body?.certificate ?? new Uint8Array(),
      acceptedCas: body?.acceptedCas ?? new Uint8Array(),
    }),
  },
  describeApiServers: {
    encodeRequest: () => ({ describeApiServers: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ servers, nameServers }) => ({
      describeApiServers: {
        servers: servers.map(({ isFallback, ...server }) => ({ ...server, fallback: isFallback })),
        nameServers,
      },
    }),
    decodeReply: ({ describeApiServers: body }) => ({
      servers: (body?.servers ?? []).map(({ host, port, fallback }) => ({
        host: host ?? '',
        port: port ?? 0,
        isFallback: fallback ?? false,
      })),
      nameServers: [...(body?.nameServers ?? [])],
    }),
  },
  query: {
    encodeRequest: (body) => ({ query: body }),
    decodeRequest: ({ query: body }) => plainQuery(body),
    encodeReply: ({ message, streamed }) => ({ query: { message, streamed } }),
    decodeReply: ({ query: body }) => ({
      message: body?.message ?? new Uint8Array(),
      streamed: body?.streamed ?? false,
    }),
  },
  openQueryStream: {
    encodeRequest: (body) => ({ openQueryStream: body }),
    decodeRequest: ({ openQueryStream: body }) => plainQuery(body),
    encodeReply: () => ({ openQueryStream: {} }),
    decodeReply: () => ({}),
  },
  offerConfig: {
    encodeRequest: ({ isDryRun, ...body }) => ({ offerConfig: { ...body, dryRun: isDryRun } }),
    decodeRequest: ({ offerConfig: body }) => ({
      data: body?.data ?? new Uint8Array(),
      upload: Number(body?.upload ?? 0),
      source: body?.source ?? '',
      isDryRun: body?.dryRun ?? false,
      problem: body?.problem ?? '',
    }),
    encodeReply: (body) => ({ offerConfig: body }),
    decodeReply: ({ offerConfig: body }) => ({ warnings: [...(body?.warnings ?? [])] }),
  },
  uploadPart: {
    encodeRequest: (body) => ({ uploadPart: body }),
    decodeRequest: ({ uploadPart: body }) => ({
      upload: Number(body?.upload ?? 0),
      data: body?.data ?? new Uint8Array(),
    }),
    encodeReply: () => ({ uploadPart: {} }),
    decodeReply: () => ({}),
  },
  listDisks: {
    encodeRequest: (body) => ({ listDisks: body }),
    decodeRequest: ({ listDisks: body }) => ({ systemDevices: [...(body?.systemDevices ?? [])] }),
    encodeReply: ({ disks }) => ({
      listDisks: { disks: disks.map((disk) => ({ ...disk, type: Disk.Type[disk.type] })) },
    }),
    decodeReply: ({ listDisks: body }) => ({ disks: (body?.disks ?? []).map(plainDisk) }),
  },
  wipeDevice: {
    encodeRequest: ({ method }) => ({ wipeDevice: { method: WipeDeviceRequest.Method[method] } }),
    decodeRequest: ({ wipeDevice: body }) => ({
      method: enumName<WipeMethod>(WipeDeviceRequest.Method, body?.method ?? 0),
    }),
    encodeReply: (body) => ({ wipeDevice: body }),
    decodeReply: ({ wipeDevice: body }) => ({ marks: [...(body?.marks ?? [])] }),
  },
};

export const METHOD_NAMES = Object.keys(converters) as MethodName[];

export function encodeFailureKind(kind: FailureKind): number {
  return Failure.Kind[kind];
}

/** A kind that this build does not know is an inner failure of the peer as far as we can tell. */
export function decodeFailureKind(value: number): FailureKind {
  return (Failure.Kind[value] as FailureKind | undefined) ?? 'INTERNAL';
}
