/**
 * The shape of `talos.node`, the one Node-API addon: one member per domain, all of them typed here and nowhere else.
 *
 * Rules that hold for every member (DESIGN: contracts, errors):
 * - A failed system call becomes an `Error` of Node's own shape: `code` ('EBUSY'), negative `errno`, `syscall`, and `path`/`dest`
 *   where there are any. Synchronous calls throw it, promises reject with it.
 * - Arguments are validated by the wrappers in lib/native before any call; the addon asserts.
 * - A file descriptor never travels as a number: it is a `FileDescriptor`, owned by exactly one side.
 * - Calls are synchronous only if they cannot sleep on a device, a network or another process.
 */

/** An owned file descriptor. Always close-on-exec. Closed at the latest when collected; `close()` is idempotent. */
export interface FileDescriptor {
  readonly isOpen: boolean;
  close(): void;
  /** Gives the number up to the caller, who now owns it; the handle is empty afterwards. For tests and node:net only. */
  releaseNumber(): number;
}

export interface DescriptorModule {
  /** Takes over a number that this process inherited (such as 3) and sets close-on-exec on it. */
  adopt(number: number): FileDescriptor;
  /** pipe2(2): [read end, write end]. */
  pipe(): [FileDescriptor, FileDescriptor];
  /** open(2) with O_CLOEXEC of a path that the program itself chose. `flags`: 'r', 'w', 'rw'. */
  open(path: string, flags: 'r' | 'w' | 'rw'): FileDescriptor;
  duplicate(descriptor: FileDescriptor): FileDescriptor;
}

// ---------------------------------------------------------------------------------------------- process

export type Stdio = 'null' | 'inherit' | FileDescriptor;

export interface ResourceLimit {
  /** Soft and hard limit in the unit of setrlimit(2); -1 means RLIM_INFINITY. */
  soft: number;
  hard: number;
}

export type Namespace = 'mount' | 'pid' | 'net' | 'uts' | 'ipc' | 'user' | 'cgroup';

export interface SpawnOptions {
  /** Absolute path of the executable; `argv[0]` may differ from it. */
  file: string;
  argv: string[];
  /** The whole environment of the child; nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Supplementary groups; set (to none by default) whenever `uid` or `gid` is. */
  groups?: number[];
  /** Capability names ('CAP_NET_ADMIN') the child keeps in every set, bounding and ambient included. Absent: unchanged. [] drops all. */
  capabilities?: string[];
  noNewPrivileges?: boolean;
  namespaces?: Namespace[];
  /** A directory of cgroup2 the child is born in (CLONE_INTO_CGROUP). */
  cgroup?: FileDescriptor;
  /** 'nofile', 'nproc', 'core', 'memlock', 'as', 'data', 'stack', 'fsize', 'cpu', … */
  rlimits?: Record<string, ResourceLimit>;
  /** -1000 to 1000. */
  oomScoreAdj?: number;
  /** New session (setsid). */
  session?: boolean;
  stdin: Stdio;
  stdout: Stdio;
  stderr: Stdio;
  /** Become descriptors 3, 4, … of the child; the parent's handles stay open and owned by the caller. */
  descriptors?: FileDescriptor[];
}

export type ExitStatus = { kind: 'exited'; code: number } | { kind: 'signaled'; signal: string; coreDumped: boolean };

export interface Child {
  readonly pid: number;
  /** Settles exactly once, with the status that the reaper collected. */
  readonly exited: Promise<ExitStatus>;
  /** pidfd_send_signal(2); false when the child is gone already. */
  kill(signal: string): boolean;
}

export interface ReaperStats {
  /** Children of ours whose status was delivered. */
  childrenReaped: number;
  /** Processes that were left to us and reaped without anybody waiting for them. */
  orphansReaped: number;
}

export interface ProcessModule {
  /** Starts the child (about 1 ms; sleeps only until exec). A failure in the child throws with `stage` beside `code`. */
  spawn(options: SpawnOptions): Child;
  /**
   * Starts the thread that owns waitid(P_ALL) in this process; called once, before the first spawn.
   * `subreaper` also sets PR_SET_CHILD_SUBREAPER (tests on a host; PID 1 needs no such thing).
   */
  startReaper(options: { subreaper: boolean }): void;
  reaperStats(): ReaperStats;
}

// ---------------------------------------------------------------------------------------------- ring

export interface RingStats {
  /** Records and payload bytes ever written. */
  records: number;
  bytes: number;
  sizeBytes: number;
}

export interface RingSubscription {
  /** Read-only memfd of the ring, to be passed to the reader's process. */
  memory: FileDescriptor;
  /** This reader's own eventfd; rung after records were written. */
  doorbell: FileDescriptor;
  /** Ends the doorbell; the memory stays readable for whoever holds it. Idempotent. */
  end(): void;
}

/** Writer side of a log ring: lives in PID 1, fed by the reactor thread. */
export interface LogRing {
  readonly stats: RingStats;
  /** The reactor reads this pipe until end of file, a record a line (long lines are split), and owns the descriptor from now on. */
  attach(pipe: FileDescriptor, stream: 'stdout' | 'stderr'): void;
  /** Resolves when every attached pipe has reached its end: all that the service wrote is in the ring. */
  drained(): Promise<void>;
  /** Appends lines of PID 1's own about the service. */
  write(text: string): void;
  subscribe(): RingSubscription;
  /** The newest complete line, at most `maxBytes` of it, without its newline; '' when there is none. */
  lastLine(maxBytes: number): string;
  close(): void;
}

export interface RingSlab {
  /** Bytes of log text put into the buffer: whole lines, each with its newline. */
  bytes: number;
  records: number;
  /** What was overwritten before this reader came to it. */
  missedRecords: number;
  missedBytes: number;
}

/** Reader side: maps the memory read-only and trusts nothing that it finds there. */
export interface LogReader {
  /** Moves to the oldest record still there. */
  seekStart(): void;
  /** Moves so that the newest `lines` lines follow; 0 is the end. */
  seekTail(lines: number): void;
  /** Copies as many whole records as fit; `bytes === 0` means that there is nothing new. Never blocks. */
  read(buffer: Uint8Array): RingSlab;
  /** Resolves at the next ring of the doorbell (at once if one is pending). Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  close(): void;
}

export interface RingModule {
  /** `sizeBytes`: a power of two of at least 4096. */
  create(options: { name: string; sizeBytes: number }): LogRing;
  /** Takes over both descriptors. Without a doorbell `wait()` is not available. */
  openReader(options: { memory: FileDescriptor; doorbell?: FileDescriptor }): LogReader;
}

// ---------------------------------------------------------------------------------------------- channel

/** One end of a SOCK_SEQPACKET connection. Messages keep their boundaries; descriptors travel beside them (SCM_RIGHTS). */
export interface Channel {
  /**
   * Queues and sends without blocking. False when the bounded queue is full (the message is NOT queued): the peer does not read.
   * The descriptors are duplicated into the message; the caller's stay open and owned by the caller.
   */
  send(message: Uint8Array, descriptors?: FileDescriptor[]): boolean;
  /** SO_PEERCRED. */
  peer(): { pid: number; uid: number; gid: number };
  close(): void;
}

export interface ChannelHandlers {
  onMessage(message: Buffer, descriptors: FileDescriptor[]): void;
  /** Once: the peer has closed, or an error (then with it). Not called after our own `close()`. */
  onClose(error?: Error): void;
}

export interface ChannelModule {
  pair(): [FileDescriptor, FileDescriptor];
  /** Takes over the descriptor. Messages above `maxMessageBytes` close the channel with EMSGSIZE. */
  open(socket: FileDescriptor, options: { maxMessageBytes: number }, handlers: ChannelHandlers): Channel;
}

// ---------------------------------------------------------------------------------------------- mount

export interface MountOptions {
  source: string;
  target: string;
  fstype: string;
  /** 'ro' 'nosuid' 'nodev' 'noexec' 'noatime' 'relatime' 'bind' 'rec' 'remount' 'private' 'slave' 'shared' … */
  flags: string[];
  /** Comma-separated options of the file system itself. */
  data?: string;
}

export interface MountInfo {
  id: number;
  parentId: number;
  device: string;
  root: string;
  mountPoint: string;
  options: string;
  propagation: string;
  fstype: string;
  source: string;
  superOptions: string;
}

export interface MountModule {
  /** mount(2) on the thread pool. */
  mount(options: MountOptions): Promise<void>;
  /** For pseudo and memory file systems only: does not touch a device. */
  mountSync(options: MountOptions): void;
  /** umount2(2). `flags`: 'detach' 'force' 'nofollow'. */
  umount(target: string, flags: string[]): Promise<void>;
  /** /proc/self/mountinfo with octal escapes decoded, in mount order. */
  mountInfo(): MountInfo[];
}

// ---------------------------------------------------------------------------------------------- cgroup

export interface CgroupLimits {
  /** Bytes; -1 means max. */
  memoryMin?: number;
  memoryLow?: number;
  memoryHigh?: number;
  memoryMax?: number;
  /** 1 to 10000. */
  cpuWeight?: number;
  /** -1 means max. */
  pidsMax?: number;
}

export interface CgroupStats {
  cpuUsageUsec: number;
  memoryCurrentBytes: number;
  pidsCurrent: number;
}

export interface CgroupModule {
  /** Creates the group (parents must exist) if it is missing and opens its directory. `path` is relative to the root, such as 'system/osd'. */
  create(root: string, path: string): FileDescriptor;
  setLimits(group: FileDescriptor, limits: CgroupLimits): void;
  /** Enables controllers for the children of the group; those that the kernel lacks are returned, not an error. */
  enableControllers(group: FileDescriptor, controllers: string[]): string[];
  /** Writes cgroup.kill: every process of the subtree gets SIGKILL. */
  kill(group: FileDescriptor): void;
  /** rmdir; EBUSY while processes or children are left. */
  remove(root: string, path: string): void;
  /** Values the kernel does not offer (a controller is missing) are 0. */
  stats(groups: FileDescriptor[]): CgroupStats[];
}

// ---------------------------------------------------------------------------------------------- kmsg

export interface KmsgRecord {
  /** 0 kern, 1 user, 3 daemon, … (syslog(3)). */
  facility: number;
  /** 0 emerg … 7 debug. */
  level: number;
  sequence: number;
  /** Microseconds of CLOCK_MONOTONIC (roughly: since boot). */
  timestampUs: number;
  /** Text with the kernel's escapes decoded; no newline at its end. */
  message: string;
}

export interface KmsgBatch {
  records: KmsgRecord[];
  /** Records that were overwritten before this reader came to them. */
  missed: number;
}

export interface KmsgReader {
  /** Up to `maxRecords` records at once; an empty batch when there is nothing new. Never blocks. */
  read(maxRecords: number): KmsgBatch;
  /** Resolves when there is something to read. Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  close(): void;
}

export interface KmsgModule {
  /** A fresh read-only open of /dev/kmsg, positioned at the oldest record or behind the newest. */
  subscribe(position: 'start' | 'end'): FileDescriptor;
  /** Takes over the descriptor. */
  openReader(descriptor: FileDescriptor): KmsgReader;
  /** Writes one record a line with `<level>` of facility daemon; a prefix or newline inside `text` cannot forge another record. */
  write(level: number, text: string): void;
}

// ---------------------------------------------------------------------------------------------- netlink

export interface Link {
  index: number;
  name: string;
  /** ARPHRD type: 1 Ethernet, 772 loopback. */
  type: number;
  mac: string;
  mtu: number;
  isUp: boolean;
  hasCarrier: boolean;
}

export interface Uevent {
  /** 'add' 'remove' 'change' 'bind' … */
  action: string;
  devpath: string;
  subsystem: string;
  properties: Record<string, string>;
}

export interface UeventMonitor {
  close(): void;
}

export interface NetlinkModule {
  /** RTM_GETLINK dump. The kernel answers at once: synchronous. */
  links(): Link[];
  setLinkUp(index: number): void;
  /** `address` in CIDR notation, IPv4 or IPv6; one that is there already is not an error. */
  addAddress(index: number, address: string): void;
  /** `destination` in CIDR notation or 'default'. */
  addRoute(route: { destination: string; gateway?: string; index: number }): void;
  /** NETLINK_KOBJECT_UEVENT, messages from the kernel only. `onOverrun`: events were lost (ENOBUFS), look at sysfs again. */
  monitorUevents(handlers: { onUevent(event: Uevent): void; onOverrun(): void }): UeventMonitor;
}

// ---------------------------------------------------------------------------------------------- power

export interface PowerModule {
  /** sync(2) on the thread pool. */
  sync(): Promise<void>;
  /** reboot(2); returns only with an error. 'restart' | 'power-off' | 'halt'. Does not sync. */
  reboot(command: 'restart' | 'power-off' | 'halt'): void;
  /** LINUX_REBOOT_CMD_CAD_OFF/ON: off makes Ctrl-Alt-Del a SIGINT to PID 1. */
  setCtrlAltDel(enabled: boolean): void;
  /** sethostname(2). */
  setHostname(name: string): void;
  /** kill(-1, signal): every process but this one. ESRCH (nobody left) is not an error. */
  killAll(signal: string): void;
}

export interface NativeAddon {
  descriptor: DescriptorModule;
  process: ProcessModule;
  ring: RingModule;
  channel: ChannelModule;
  mount: MountModule;
  cgroup: CgroupModule;
  kmsg: KmsgModule;
  netlink: NetlinkModule;
  power: PowerModule;
}
