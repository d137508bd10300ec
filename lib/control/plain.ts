/**
 * Plain objects of what messages carry, copied field by field: a generated message keeps its defaults in its prototype, where a spread or a
 * comparison would miss them.
 */
import { control } from '../gen/control/control.js';
import type { DiskFacts, NetworkFacts, PodRoute, QueryRequest, Service } from './protocol.js';

/** @throws Error  for a value that this build does not know: guessing an action would be worse than closing the connection. */
export function enumName<Name extends string>(type: Record<number, string>, value: number): Name {
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
    otherAddresses: [...(facts?.otherAddresses ?? [])],
    dhcp: facts?.dhcp ?? false,
  };
}

export function plainPodRoute({ destination, gateway }: control.PodRoute.$Properties): PodRoute {
  return { destination: destination ?? '', gateway: gateway ?? '' };
}

export function plainQuery(body: control.QueryRequest.$Properties | null | undefined): QueryRequest {
  return {
    path: body?.path ?? '',
    request: body?.request ?? new Uint8Array(),
    caller: body?.caller ?? '',
    upload: Number(body?.upload ?? 0),
  };
}

export function plainDisk(disk: control.Disk.$Properties): DiskFacts {
  return {
    size: Number(disk.size ?? 0),
    model: disk.model ?? '',
    deviceName: disk.deviceName ?? '',
    name: disk.name ?? '',
    serial: disk.serial ?? '',
    modalias: disk.modalias ?? '',
    uuid: disk.uuid ?? '',
    wwid: disk.wwid ?? '',
    type: enumName(control.Disk.Type, disk.type ?? 0),
    busPath: disk.busPath ?? '',
    systemDisk: disk.systemDisk ?? false,
    subsystem: disk.subsystem ?? '',
    readonly: disk.readonly ?? false,
  };
}

export function plainService(service: control.Service.$Properties): Service {
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
