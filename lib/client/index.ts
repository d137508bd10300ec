/** Client of the machine API. */
export * from './client.js';
export type { Credentials } from './credentials.js';
export { ClientError, type FailureKind } from './errors.js';
export { decodeEvent, type NodeEvent } from './node-event.js';
export { type Plain, plain } from './plain.js';
export {
  APPLY_MODES,
  MachineService,
  type Method,
  REBOOT_MODES,
  StorageService,
  TimeService,
  WIPE_MODES,
} from './service.js';
