import { constants } from 'node:os';
import {
  argumentError,
  checkAbsolutePath,
  checkBoolean,
  checkDescriptor,
  checkInteger,
  checkName,
  checkNames,
  checkObject,
  checkOptionalString,
  checkString,
} from './arguments.js';
import type { ExitStatus, FileDescriptor, ProcessModule, ReaperStats, SpawnOptions, Stdio } from './contract.js';
import { CAPABILITIES, NAMESPACES, RESOURCES } from './process-names.js';
import { createTableReader, type RawTableReader } from './process-table.js';
import { checkAllowsExec, compileSeccomp, type RawSeccomp } from './seccomp.js';

/** What the addon itself exports: every name is a number already. */
export interface RawSpawnOptions {
  file: string;
  argv: string[];
  /** 'NAME=value'. */
  env: string[];
  /** '' for ours. */
  cwd: string;
  uid: number | undefined;
  gid: number | undefined;
  groups: number[];
  /** Mask of what is kept. */
  capabilities: bigint | undefined;
  noNewPrivileges: boolean;
  session: boolean;
  /** CLONE_NEW*, or'ed. */
  namespaces: number;
  cgroup: FileDescriptor | undefined;
  /** Resource, soft, hard; resource, soft, hard; … */
  rlimits: number[];
  oomScoreAdj: number | undefined;
  /** Inside, outside, count; inside, … */
  uidMap: number[];
  gidMap: number[];
  /** What `compileSeccomp` made. */
  seccomp: Buffer | undefined;
  /** null is /dev/null, undefined is inherited. */
  stdio: (FileDescriptor | null | undefined)[];
  descriptors: FileDescriptor[];
}

export interface RawProcessModule extends RawSeccomp, RawTableReader {
  spawn(options: RawSpawnOptions): {
    pid: number;
    pidfd: FileDescriptor;
    /** [was it a signal, exit code or signal number, was a core dumped]. */
    exited: Promise<[boolean, number, boolean]>;
  };
  sendSignal(pidfd: FileDescriptor, signal: number): boolean;
  startReaper(subreaper: boolean): void;
  reaperStats(): ReaperStats;
}

const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));
const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  // The first name of a number is the canonical one (SIGABRT before SIGIOT).
  [...SIGNAL_NUMBERS].reverse().map(([name, number]) => [number, name]),
);
const NAMESPACE_NAMES: ReadonlySet<string> = new Set(Object.keys(NAMESPACES));
const CAPABILITY_NAMES: ReadonlySet<string> = new Set(CAPABILITIES);
const RESOURCE_NAMES: ReadonlySet<string> = new Set(RESOURCES);
const SIGNALS: ReadonlySet<string> = new Set(SIGNAL_NUMBERS.keys());
const MAX_ID = 0xffff_fffe;

/** 'SIGTERM' to 15. @throws TypeError for a name that this kernel does not have */
export function signalNumber(name: string): number {
  checkName(name, 'signal', SIGNALS);
  return SIGNAL_NUMBERS.get(name) as number;
}

/**
 * Processes: spawn, pidfd_send_signal(2), waitid(2).
 *
 * `spawn` sleeps until the child has exec'ed. It does not copy page tables, so it costs the same however large the heap is.
 * @throws ENOENT EACCES EPERM EAGAIN … with `syscall: 'spawn'`, `path` the file and `stage` the step of the child that failed
 *   ('exec', 'uid', 'bounding-set', …), or with `syscall: 'clone3'` · EINVAL before `startReaper` · EALREADY `startReaper` called twice
 */
export function createProcessModule(raw: RawProcessModule): ProcessModule {
  return {
    spawn(options) {
      const { pid, pidfd, exited } = raw.spawn(toRaw(options, raw));
      return {
        pid,
        exited: exited.then((status) => {
          pidfd.close();
          return toExitStatus(status);
        }),
        kill(signal) {
          const number = signalNumber(signal);
          return pidfd.isOpen && raw.sendSignal(pidfd, number);
        },
      };
    },
    startReaper(options) {
      checkObject(options, 'options');
      checkBoolean(options.subreaper, 'options.subreaper');
      raw.startReaper(options.subreaper);
    },
    reaperStats: () => raw.reaperStats(),
    installSeccomp(filter) {
      raw.installSeccomp(compileSeccomp(raw, filter, 'filter'));
    },
    readTable: createTableReader(raw),
  };
}

function toExitStatus([signaled, value, coreDumped]: [boolean, number, boolean]): ExitStatus {
  if (!signaled) return { kind: 'exited', code: value };
  return { kind: 'signaled', signal: SIGNAL_NAMES.get(value) ?? `SIG${value}`, coreDumped };
}

function toRaw(options: SpawnOptions, raw: RawSeccomp): RawSpawnOptions {
  checkObject(options, 'options');
  checkAbsolutePath(options.file, 'options.file');
  checkStrings(options.argv, 'options.argv');
  checkOptionalString(options.cwd, 'options.cwd');
  checkOptionalInteger(options.uid, 'options.uid', 0, MAX_ID);
  checkOptionalInteger(options.gid, 'options.gid', 0, MAX_ID);
  checkOptionalInteger(options.oomScoreAdj, 'options.oomScoreAdj', -1000, 1000);
  const { groups = [], descriptors = [], noNewPrivileges = false, session = false } = options;
  checkBoolean(noNewPrivileges, 'options.noNewPrivileges');
  checkBoolean(session, 'options.session');
  checkArray(groups, 'options.groups');
  checkArray(descriptors, 'options.descriptors');
  for (const group of groups) checkInteger(group, 'options.groups', 0, MAX_ID);
  if (options.cgroup !== undefined) checkDescriptor(options.cgroup, 'options.cgroup');
  for (const descriptor of descriptors) checkDescriptor(descriptor, 'options.descriptors');
  return {
    file: options.file,
    argv: options.argv,
    env: environment(options.env),
    cwd: options.cwd ?? '',
    uid: options.uid,
    gid: options.gid,
    groups,
    capabilities: capabilityMask(options.capabilities),
    noNewPrivileges,
    session,
    namespaces: namespaceFlags(options.namespaces ?? []),
    ...idMapNumbers(options),
    seccomp: seccompProgram(raw, options.seccomp),
    cgroup: options.cgroup,
    rlimits: rlimitNumbers(options.rlimits ?? {}),
    oomScoreAdj: options.oomScoreAdj,
    stdio: [
      toRawStdio(options.stdin, 'stdin'),
      toRawStdio(options.stdout, 'stdout'),
      toRawStdio(options.stderr, 'stderr'),
    ],
    descriptors,
  };
}

function checkArray(value: unknown, name: string): asserts value is unknown[] {
  if (!Array.isArray(value)) throw argumentError('ERR_INVALID_ARG_TYPE', name, 'an array', value);
}

function checkStrings(value: unknown, name: string): asserts value is string[] {
  checkArray(value, name);
  for (const element of value) checkString(element, name);
}

function checkOptionalInteger(value: unknown, name: string, minimum: number, maximum: number): void {
  if (value !== undefined) checkInteger(value, name, minimum, maximum);
}

function environment(env: Record<string, string>): string[] {
  checkObject(env, 'options.env');
  return Object.entries(env).map(([name, value]) => {
    checkString(value, `options.env.${name}`);
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'options.env', "names without '=' or null bytes", name);
    }
    return `${name}=${value}`;
  });
}

function capabilityMask(names: string[] | undefined): bigint | undefined {
  if (names === undefined) return undefined;
  checkNames(names, 'options.capabilities', CAPABILITY_NAMES);
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
}

function namespaceFlags(names: string[]): number {
  checkNames(names, 'options.namespaces', NAMESPACE_NAMES);
  return names.reduce((flags, name) => flags + NAMESPACES[name as keyof typeof NAMESPACES], 0);
}

function idMapNumbers({ idMaps, namespaces }: SpawnOptions): Pick<RawSpawnOptions, 'uidMap' | 'gidMap'> {
  if (idMaps === undefined) return { uidMap: [], gidMap: [] };
  checkObject(idMaps, 'options.idMaps');
  if (!namespaces?.includes('user')) {
    throw argumentError(
      'ERR_INVALID_ARG_VALUE',
      'options.idMaps',
      "given with 'user' in options.namespaces",
      namespaces,
    );
  }
  const flat = (ranges: unknown, name: string) => {
    if (!Array.isArray(ranges)) throw argumentError('ERR_INVALID_ARG_TYPE', name, 'an array', ranges);
    if (ranges.length === 0) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'a map of at least one range', ranges);
    return ranges.flatMap((range: unknown) => {
      checkObject(range, name);
      const { inside, outside, count } = range;
      checkInteger(inside, `${name}.inside`, 0, MAX_ID);
      checkInteger(outside, `${name}.outside`, 0, MAX_ID);
      checkInteger(count, `${name}.count`, 1, MAX_ID + 1 - Math.max(inside, outside));
      return [inside, outside, count];
    });
  };
  return { uidMap: flat(idMaps.uids, 'options.idMaps.uids'), gidMap: flat(idMaps.gids, 'options.idMaps.gids') };
}

function seccompProgram(raw: RawSeccomp, filter: SpawnOptions['seccomp']): Buffer | undefined {
  if (filter === undefined) return undefined;
  const program = compileSeccomp(raw, filter, 'options.seccomp');
  checkAllowsExec(filter, 'options.seccomp');
  return program;
}

function rlimitNumbers(limits: NonNullable<SpawnOptions['rlimits']>): number[] {
  checkObject(limits, 'options.rlimits');
  return Object.entries(limits).flatMap(([name, limit]) => {
    checkName(name, 'options.rlimits', RESOURCE_NAMES);
    checkObject(limit, `options.rlimits.${name}`);
    const { soft, hard } = limit;
    checkInteger(soft, `options.rlimits.${name}.soft`, -1, Number.MAX_SAFE_INTEGER);
    checkInteger(hard, `options.rlimits.${name}.hard`, -1, Number.MAX_SAFE_INTEGER);
    return [RESOURCES.indexOf(name), soft, hard];
  });
}

function toRawStdio(value: Stdio, name: string): FileDescriptor | null | undefined {
  if (value === 'null') return null;
  if (value === 'inherit') return undefined;
  checkDescriptor(value, `options.${name}`);
  return value;
}
