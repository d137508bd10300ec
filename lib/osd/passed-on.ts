/** Paths of the calls that machined answers (lib/machined/queries): osd decides who may make them and passes bytes on. */
import { MachineServiceDefinition as machine, StorageServiceDefinition as storage } from '../gen/machine/service.js';

const CALLS: readonly { path: string }[] = [
  machine.ApplyConfiguration,
  machine.Copy,
  machine.DiskUsage,
  machine.GenerateClientConfiguration,
  machine.Kubeconfig,
  machine.List,
  machine.Mounts,
  machine.Netstat,
  machine.Processes,
  machine.Read,
  machine.Stats,
  storage.Disks,
];

export const PASSED_ON: ReadonlySet<string> = new Set(CALLS.map(({ path }) => path));
