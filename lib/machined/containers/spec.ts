/** The OCI runtime specification of a service's container: what it may do is what is listed here. */
import { CONTROL_FOLDER } from '../../control/container-socket.js';
import { controlFolder } from './control-door.js';
import type { ContainerDefinition } from './definition.js';
import { seccompProfile } from './seccomp.js';

const OCI_VERSION = '1.0.2';
/** What the API's processes have as well; each connection is a descriptor. */
const MAX_OPEN_FILES = 16_384;

/** Of /proc what tells of the machine rather than of the container, or changes it. */
const MASKED = [
  ...['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
  ...['/proc/timer_stats', '/proc/sched_debug', '/proc/scsi'],
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * Its own process, mount, IPC, host name and cgroup namespaces; the network is the node's, whose ports it serves, or none. The root is read-only, and
 * so is everything that is bound into it; it can write to a /tmp of its own.
 */
export function containerSpec(definition: ContainerDefinition): object {
  const { id, argv, env, uid, gid, capabilities, binds, memoryMaxBytes, memoryMinBytes, pidsMax, cpuWeight } =
    definition;
  const fromDisk = ['nosuid', 'nodev', 'ro'];
  const namespaces = ['pid', 'mount', 'ipc', 'uts', 'cgroup', ...(definition.network === 'none' ? ['network'] : [])];
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: false,
      user: { uid, gid },
      args: argv,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: [],
        ambient: capabilities,
      },
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: MAX_OPEN_FILES, hard: MAX_OPEN_FILES },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ],
      noNewPrivileges: true,
      oomScoreAdj: definition.oomScoreAdj,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: id,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'],
      },
      {
        destination: '/tmp',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=16m'],
      },
      ...(definition.control
        ? [
            {
              destination: CONTROL_FOLDER,
              type: 'bind',
              source: controlFolder(id),
              options: ['bind', 'noexec', ...fromDisk],
            },
          ]
        : []),
      ...binds.map((path) => ({
        destination: path,
        type: 'bind',
        source: path,
        // Programs are below /usr.
        options: ['bind', ...(path.startsWith('/usr') ? [] : ['noexec']), ...fromDisk],
      })),
    ],
    linux: {
      // Beside the groups of the services that PID 1 runs itself.
      cgroupsPath: `/system/${id}`,
      namespaces: namespaces.map((type) => ({ type })),
      resources: {
        // The usual harmless ones (null, zero, random …) are runc's own to allow.
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: memoryMaxBytes },
        pids: { limit: pidsMax },
        unified: {
          'cpu.weight': String(cpuWeight),
          'memory.min': String(memoryMinBytes),
          'memory.oom.group': '1',
        },
      },
      seccomp: seccompProfile(),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  };
}
