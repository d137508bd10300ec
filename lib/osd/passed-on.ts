/** Paths of the calls that machined answers (lib/machined/queries): osd decides who may make them and passes bytes on. */
import {
  MachineServiceDefinition as machine,
  NetworkServiceDefinition as network,
  StorageServiceDefinition as storage,
} from '../gen/machine/service.js';

const CALLS: readonly { path: string }[] = [
  machine.ApplyConfiguration,
  machine.Bootstrap,
  machine.Copy,
  machine.DiskUsage,
  machine.EtcdMemberList,
  machine.EtcdRemoveMemberByID,
  machine.EtcdStatus,
  machine.GenerateClientConfiguration,
  machine.Kubeconfig,
  machine.List,
  machine.Mounts,
  machine.Netstat,
  machine.Processes,
  machine.Read,
  machine.Stats,
  network.Interfaces,
  network.Routes,
  storage.BlockDeviceWipe,
  storage.Disks,
];

export const PASSED_ON: ReadonlySet<string> = new Set(CALLS.map(({ path }) => path));
