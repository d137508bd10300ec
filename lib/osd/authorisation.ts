import { printable } from '../base/printable.js';
import { Role } from '../pki/roles.js';

const { admin, operator, reader, etcdBackup } = Role;
const READ = [admin, operator, reader];
const OPERATE = [admin, operator];
const ADMIN = [admin];
/** A role of the public API that grants nothing here but these calls; it has no name in lib/pki. */
const META_WRITER = 'os:meta:writer';

/** Of a call that there is not, in a sentence about it. */
const MAX_NAME_LENGTH = 64;

type Rules = Readonly<Record<string, readonly string[]>>;

/** The whole MachineService, served or not. Readers see names, sizes and logs, never the content of files (Read, Copy). */
const MACHINE: Rules = {
  ApplyConfiguration: ADMIN,
  Bootstrap: ADMIN,
  Containers: READ,
  Copy: ADMIN,
  CPUFreqStats: READ,
  CPUInfo: READ,
  DiskStats: READ,
  DiskUsage: READ,
  Dmesg: READ,
  Events: READ,
  EtcdAlarmDisarm: OPERATE,
  EtcdAlarmList: [...READ, etcdBackup],
  EtcdDefragment: OPERATE,
  EtcdDowngradeCancel: ADMIN,
  EtcdDowngradeEnable: ADMIN,
  EtcdDowngradeValidate: ADMIN,
  EtcdForfeitLeadership: ADMIN,
  EtcdLeaveCluster: ADMIN,
  EtcdMemberList: [...READ, etcdBackup],
  EtcdRecover: ADMIN,
  EtcdRemoveMemberByID: ADMIN,
  EtcdSnapshot: [...OPERATE, etcdBackup],
  EtcdStatus: [...READ, etcdBackup],
  GenerateClientConfiguration: ADMIN,
  Hostname: READ,
  ImageList: READ,
  ImagePull: OPERATE,
  Kubeconfig: ADMIN,
  List: READ,
  LoadAvg: READ,
  Logs: READ,
  LogsContainers: READ,
  Memory: READ,
  MetaDelete: [admin, META_WRITER],
  MetaWrite: [admin, META_WRITER],
  Mounts: READ,
  Netstat: READ,
  NetworkDeviceStats: READ,
  PacketCapture: OPERATE,
  Processes: READ,
  Read: ADMIN,
  Reboot: OPERATE,
  Reset: ADMIN,
  Restart: OPERATE,
  Rollback: ADMIN,
  ServiceList: READ,
  ServiceRestart: OPERATE,
  ServiceStart: OPERATE,
  ServiceStop: OPERATE,
  Shutdown: OPERATE,
  Stats: READ,
  SystemStat: READ,
  Upgrade: ADMIN,
  Version: READ,
};

const NETWORK: Rules = { Interfaces: READ, Routes: READ };
const STORAGE: Rules = { BlockDeviceWipe: ADMIN, Disks: READ };
const TIME: Rules = { Time: READ, TimeCheck: READ };
/** Whoever may call anything may know whether it is served. */
const HEALTH: Rules = { Check: [...READ, etcdBackup], Watch: [...READ, etcdBackup] };

/** Who may call what, by path. A service that is served has all of its calls here (the tests see to it). */
export const RULES: Rules = {
  ...of('machine.MachineService', MACHINE),
  ...of('osd.NetworkService', NETWORK),
  ...of('storage.StorageService', STORAGE),
  ...of('time.TimeService', TIME),
  ...of('grpc.health.v1.Health', HEALTH),
};

function of(service: string, rules: Rules): Rules {
  return Object.fromEntries(Object.entries(rules).map(([name, roles]) => [`/${service}/${name}`, roles]));
}

/** The roles of which one is needed for a call; a call without a rule needs os:admin. */
export function neededRoles(path: string): readonly string[] {
  return Object.hasOwn(RULES, path) ? (RULES[path] as readonly string[]) : ADMIN;
}

/**
 * Decides one call. Roles that nobody knows grant nothing.
 * @returns undefined when it is allowed, else the sentence for the client
 */
export function denial(path: string, roles: readonly string[]): string | undefined {
  const needed = neededRoles(path);
  if (needed.some((role) => roles.includes(role))) return undefined;
  const rpc = printable(path.slice(path.lastIndexOf('/') + 1).slice(0, MAX_NAME_LENGTH));
  const held = roles.length === 0 ? 'no role' : roles.join(', ');
  return `${rpc} needs ${needed.length === 1 ? '' : 'one of '}${needed.join(', ')}; the client certificate has ${held}`;
}
