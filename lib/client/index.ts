/** Client of the machine API. */
export * from './client.js';
export type { Credentials, Trust, Unverified } from './credentials.js';
export { ClientError, type FailureKind } from './errors.js';
export { type EtcdMember, type EtcdMemberStatus, EtcdService } from './etcd.js';
export { decodeEvent, type NodeEvent } from './node-event.js';
export { type Plain, plain } from './plain.js';
export {
  APPLY_MODES,
  MachineService,
  type Method,
  NetworkService,
  REBOOT_MODES,
  StorageService,
  TimeService,
  WIPE_METHODS,
  WIPE_MODES,
} from './service.js';
