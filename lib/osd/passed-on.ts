/** Paths of the calls that machined answers (lib/machined/queries): osd decides who may make them and passes bytes on. */
import { MachineServiceDefinition as machine, StorageServiceDefinition as storage } from '../gen/machine/service.js';

export const PASSED_ON: ReadonlySet<string> = new Set(
  [machine.ApplyConfiguration, machine.Processes, machine.Mounts, machine.Netstat, machine.Stats, storage.Disks].map(
    ({ path }) => path,
  ),
);
