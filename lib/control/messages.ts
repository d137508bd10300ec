/**
 * Between the generated message classes and the plain objects of protocol.ts, one entry a method. Decoded values are copied field by field:
 * a generated message keeps its defaults in its prototype, where a spread or a comparison would miss them.
 */
import { control } from '../gen/control/control.js';
import type { FailureKind } from './errors.js';
import { plainNodeEvent, wireNodeEvent } from './node-event.js';
import type {
  ConfigOutcome,
  MethodName,
  NetworkFacts,
  PowerAction,
  QueryRequest,
  ReplyOf,
  RequestOf,
  Service,
  ServiceAction,
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

const { ControlServiceRequest, PowerRequest, ReportConfigRequest, Failure } = control;

export const converters: { readonly [M in MethodName]: Converter<M> } = {
  listServices: {
    encodeRequest: () => ({ listServices: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ services }) => ({ listServices: { services } }),
    decodeReply: (reply) => ({ services: (reply.listServices?.services ?? []).map(plainService) }),
  },
  controlService: {
    encodeRequest: ({ id, action }) => ({ controlService: { id, action: ControlServiceRequest.Action[action] } }),
    decodeRequest: ({ controlService: body }) => ({
      id: body?.id ?? '',
      action: enumName<ServiceAction>(ControlServiceRequest.Action, body?.action ?? 0),
    }),
    encodeReply: ({ message }) => ({ controlService: { message } }),
    decodeReply: (reply) => ({ message: reply.controlService?.message ?? '' }),
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
      reset: body?.reset ?? false,
      disksToWipe: [...(body?.disksToWipe ?? [])],
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
  reportNetwork: {
    encodeRequest: ({ facts }) => ({ reportNetwork: { facts } }),
    decodeRequest: ({ reportNetwork: body }) => ({ facts: plainFacts(body?.facts) }),
    encodeReply: () => ({ reportNetwork: {} }),
    decodeReply: () => ({}),
  },
  startDhcp: {
    encodeRequest: ({ link }) => ({ startDhcp: { link } }),
    decodeRequest: ({ startDhcp: body }) => ({ link: body?.link ?? '' }),
    encodeReply: () => ({ startDhcp: {} }),
    decodeReply: () => ({}),
  },
  describeDhcp: {
    encodeRequest: () => ({ describeDhcp: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ wanted, link, hostname }) => ({ describeDhcp: { wanted, link, hostname } }),
    decodeReply: ({ describeDhcp: body }) => ({
      wanted: body?.wanted ?? false,
      link: body?.link ?? '',
      hostname: body?.hostname ?? '',
    }),
  },
  readEvents: {
    encodeRequest: ({ after }) => ({ readEvents: { after } }),
    decodeRequest: ({ readEvents: body }) => ({ after: Number(body?.after ?? 0) }),
    encodeReply: ({ events }) => ({ readEvents: { events: events.map(wireNodeEvent) } }),
    decodeReply: ({ readEvents: body }) => ({ events: (body?.events ?? []).map(plainNodeEvent) }),
  },
  reportHealth: {
    encodeRequest: ({ healthy, message }) => ({ reportHealth: { healthy, message } }),
    decodeRequest: ({ reportHealth: body }) => ({ healthy: body?.healthy ?? false, message: body?.message ?? '' }),
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
  describeTime: {
    encodeRequest: () => ({ describeTime: {} }),
    decodeRequest: () => ({}),
    encodeReply: ({ timeServers, nameServers }) => ({ describeTime: { timeServers, nameServers } }),
    decodeReply: ({ describeTime: body }) => ({
      timeServers: [...(body?.timeServers ?? [])],
      nameServers: [...(body?.nameServers ?? [])],
    }),
  },
  wipeDisks: {
    encodeRequest: ({ disks }) => ({ wipeDisks: { disks } }),
    decodeRequest: ({ wipeDisks: body }) => ({ disks: [...(body?.disks ?? [])] }),
    encodeReply: () => ({ wipeDisks: {} }),
    decodeReply: () => ({}),
  },
  issueCertificate: {
    encodeRequest: ({ publicKey }) => ({ issueCertificate: { publicKey } }),
    decodeRequest: ({ issueCertificate: body }) => ({ publicKey: body?.publicKey ?? new Uint8Array() }),
    encodeReply: ({ certificate, acceptedCas, notAfterMs }) => ({
      issueCertificate: { certificate, acceptedCas, notAfterMs },
    }),
    decodeReply: ({ issueCertificate: body }) => ({
      certificate: body?.certificate ?? new Uint8Array(),
      acceptedCas: body?.acceptedCas ?? new Uint8Array(),
      notAfterMs: Number(body?.notAfterMs ?? 0),
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
  uploadPart: {
    encodeRequest: (body) => ({ uploadPart: body }),
    decodeRequest: ({ uploadPart: body }) => ({
      upload: Number(body?.upload ?? 0),
      data: body?.data ?? new Uint8Array(),
    }),
    encodeReply: () => ({ uploadPart: {} }),
    decodeReply: () => ({}),
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

/** @throws Error  for a value that this build does not know: guessing an action would be worse than closing the connection. */
function enumName<Name extends string>(type: Record<number, string>, value: number): Name {
  const name = type[value];
  if (name === undefined) throw new Error(`unknown enum value ${value}`);
  return name as Name;
}

export function plainFacts(facts: control.NetworkFacts.$Properties | null | undefined): NetworkFacts {
  return {
    link: facts?.link ?? '',
    address: facts?.address ?? '',
    dnsServers: [...(facts?.dnsServers ?? [])],
    ntpServers: [...(facts?.ntpServers ?? [])],
    domain: facts?.domain ?? '',
    searchDomains: [...(facts?.searchDomains ?? [])],
    hostname: facts?.hostname ?? '',
    carrier: facts?.carrier ?? false,
  };
}

function plainQuery(body: control.QueryRequest.$Properties | null | undefined): QueryRequest {
  return {
    path: body?.path ?? '',
    request: body?.request ?? new Uint8Array(),
    caller: body?.caller ?? '',
    upload: Number(body?.upload ?? 0),
  };
}

function plainService(service: control.Service.$Properties): Service {
  return {
    id: service.id ?? '',
    state: service.state ?? '',
    pid: service.pid ?? 0,
    image: service.image ?? '',
    restarts: service.restarts ?? 0,
    lastLogLine: service.lastLogLine ?? '',
    events: (service.events ?? []).map((event) => ({
      message: event.message ?? '',
      state: event.state ?? '',
      timeMs: Number(event.timeMs ?? 0),
    })),
    lastChangeMs: Number(service.lastChangeMs ?? 0),
    healthUnknown: service.healthUnknown ?? false,
    healthy: service.healthy ?? false,
    healthMessage: service.healthMessage ?? '',
  };
}
