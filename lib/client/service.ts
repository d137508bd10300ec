import type { common, google, machine, osd, storage, time } from '../gen/machine/machine.js';
import {
  MachineServiceDefinition,
  NetworkServiceDefinition,
  StorageServiceDefinition,
  TimeServiceDefinition,
} from '../gen/machine/service.js';

/** What the client needs to know of a call. */
export interface Method<Request, Reply> {
  path: string;
  requestSerialize: (request: Request) => Buffer;
  responseDeserialize: (bytes: Buffer) => Reply;
}

type Empty = google.protobuf.Empty.$Properties;

/** The calls that this client makes, with what goes out and what comes back. */
export interface MachineMethods {
  Version: Method<Empty, machine.VersionResponse>;
  Containers: Method<machine.ContainersRequest.$Properties, machine.ContainersResponse>;
  ServiceList: Method<Empty, machine.ServiceListResponse>;
  ServiceStart: Method<machine.ServiceStartRequest.$Properties, machine.ServiceStartResponse>;
  ServiceStop: Method<machine.ServiceStopRequest.$Properties, machine.ServiceStopResponse>;
  ServiceRestart: Method<machine.ServiceRestartRequest.$Properties, machine.ServiceRestartResponse>;
  Logs: Method<machine.LogsRequest.$Properties, common.Data>;
  LogsContainers: Method<Empty, machine.LogsContainersResponse>;
  Dmesg: Method<machine.DmesgRequest.$Properties, common.Data>;
  List: Method<machine.ListRequest.$Properties, machine.FileInfo>;
  DiskUsage: Method<machine.DiskUsageRequest.$Properties, machine.DiskUsageInfo>;
  Read: Method<machine.ReadRequest.$Properties, common.Data>;
  Copy: Method<machine.CopyRequest.$Properties, common.Data>;
  Reboot: Method<machine.RebootRequest.$Properties, machine.RebootResponse>;
  Shutdown: Method<machine.ShutdownRequest.$Properties, machine.ShutdownResponse>;
  Reset: Method<machine.ResetRequest.$Properties, machine.ResetResponse>;
  Events: Method<machine.EventsRequest.$Properties, machine.Event>;
  Bootstrap: Method<machine.BootstrapRequest.$Properties, machine.BootstrapResponse>;
  ApplyConfiguration: Method<machine.ApplyConfigurationRequest.$Properties, machine.ApplyConfigurationResponse>;
  GenerateClientConfiguration: Method<
    machine.GenerateClientConfigurationRequest.$Properties,
    machine.GenerateClientConfigurationResponse
  >;
  Kubeconfig: Method<Empty, common.Data>;
  Memory: Method<Empty, machine.MemoryResponse>;
  Mounts: Method<Empty, machine.MountsResponse>;
  Netstat: Method<machine.NetstatRequest.$Properties, machine.NetstatResponse>;
  Processes: Method<Empty, machine.ProcessesResponse>;
  Restart: Method<machine.RestartRequest.$Properties, machine.RestartResponse>;
  Stats: Method<machine.StatsRequest.$Properties, machine.StatsResponse>;
}

export const MachineService: MachineMethods = MachineServiceDefinition;

export const NetworkService: {
  Interfaces: Method<Empty, osd.InterfacesResponse>;
  Routes: Method<osd.RoutesRequest.$Properties, osd.RoutesResponse>;
} = NetworkServiceDefinition;

export const StorageService: {
  Disks: Method<Empty, storage.DisksResponse>;
  BlockDeviceWipe: Method<storage.BlockDeviceWipeRequest.$Properties, storage.BlockDeviceWipeResponse>;
} = StorageServiceDefinition;

export const TimeService: {
  Time: Method<Empty, time.TimeResponse>;
  TimeCheck: Method<time.TimeRequest.$Properties, time.TimeResponse>;
} = TimeServiceDefinition;

/** Values of ApplyConfigurationRequest.Mode. */
export const APPLY_MODES = { reboot: 0, auto: 1, 'no-reboot': 2, staged: 3, try: 4 } as const;

/** Values of BlockDeviceWipeDescriptor.Method. */
export const WIPE_METHODS = { FAST: 0, ZEROES: 1 } as const;

/** Values of RebootRequest.Mode. */
export const REBOOT_MODES = { default: 0, powercycle: 1, force: 2 } as const;

/** Values of ResetRequest.WipeMode. */
export const WIPE_MODES = { all: 0, 'system-disk': 1, 'user-disks': 2 } as const;
