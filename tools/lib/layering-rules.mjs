// Who may import whom: the layers of the project as data. layering.mjs checks files against it.

/** Packages with which an API is spoken. */
const grpc = ['@grpc/grpc-js'];

/**
 * For each folder of lib/: the other folders, and the packages, that its files may import.
 * @type {Record<string, {folders: string[], packages?: string[]}>}
 */
export const layers = {
  base: { folders: [] },
  gen: { folders: [], packages: ['protobufjs', ...grpc] },
  native: { folders: ['base'] },
  config: { folders: ['base'], packages: ['diff', 'rfc6902', 'yaml', 'zod'] },
  kube: { folders: ['base'], packages: ['yaml'] },
  pki: {
    folders: ['base'],
    packages: ['@peculiar/asn1-schema', '@peculiar/asn1-x509', '@peculiar/x509', 'reflect-metadata'],
  },
  os: { folders: ['base', 'native'] },
  control: { folders: ['base', 'native', 'gen'] },
  containerd: { folders: ['base', 'gen'], packages: grpc },
  // Its own messages, and whom machined alone asks: apart from it, as containerd's client is.
  etcd: { folders: ['base', 'gen'], packages: grpc },
  init: { folders: ['base', 'native', 'os', 'control'] },
  machined: {
    folders: ['base', 'native', 'os', 'config', 'kube', 'pki', 'control', 'containerd', 'etcd', 'gen'],
    packages: ['tar'],
  },
  networkd: { folders: ['base', 'native', 'os', 'config', 'control'] },
  // What the processes that face the network, or strangers' disks, have in common, and their reason not to import each other: TLS, bounds, confinement.
  server: { folders: ['base', 'native', 'pki', 'control'], packages: grpc },
  osd: { folders: ['base', 'native', 'os', 'config', 'pki', 'control', 'server', 'gen'], packages: grpc },
  trustd: { folders: ['base', 'native', 'os', 'config', 'pki', 'control', 'server', 'gen'], packages: grpc },
  proxyd: { folders: ['base', 'native', 'os', 'config', 'pki', 'control', 'server', 'gen'], packages: grpc },
  // Whom it talks to is machined.
  blockd: { folders: ['base', 'native', 'os', 'control', 'server'] },
  client: { folders: ['base', 'gen'], packages: grpc },
  osctl: { folders: ['base', 'client', 'config', 'pki', 'kube', 'cluster'], packages: ['commander', 'yaml', 'tar'] },
  image: { folders: ['base', 'config', 'kube'], packages: ['esbuild', 'tar'] },
  cluster: { folders: ['base', 'config', 'pki', 'kube', 'image'] },
};

/**
 * Modules of Node that a folder may not use. libuv waits for its own children only and loses their status to any other
 * reaper, so nothing that PID 1 loads may start a process that way.
 * @type {Record<string, string[]>}
 */
export const bannedModules = Object.fromEntries(
  ['init', 'os', 'control', 'native', 'base'].map((folder) => [folder, ['child_process', 'cluster']]),
);

/** The pure C++ cores, which do not know each other; those that wait for descriptors use the reactor. */
const cores = [
  'mount',
  'netlink',
  'process',
  'seccomp',
  'cgroup',
  'ring',
  'kmsg',
  'block',
  'power',
  'channel',
  'dhcp',
  'files',
  'relay',
];

/**
 * For each folder of native/: the other folders whose headers it may include.
 * @type {Record<string, string[]>}
 */
export const nativeLayers = {
  base: [],
  sys: ['base'],
  ...Object.fromEntries(cores.map((core) => [core, ['base', 'sys', 'reactor']])),
  reactor: ['base', 'sys'],
  bind: ['base', 'sys', 'reactor', ...cores],
  // dm-verity: one piece of code for the boot and for the addon.
  stage0: ['base', 'sys', 'block'],
  // The first process of a pod: a program of its own, with nothing inside.
  pause: [],
  test: ['base', 'sys', 'reactor', 'stage0', ...cores],
  fuzz: ['base', 'sys', ...cores],
};

/** Headers of Node-API, which only native/bind may include. */
export const nodeApiHeaders = /^(napi|node_api|js_native_api|uv|v8|node)(-inl)?\.h$/;

/** Headers that Node-API's promise of a stable ABI does not cover: nobody includes them. */
export const unstableHeaders = /^(uv|v8|node)\.h$/;

/** Headers that declare system calls: only native/sys, native/stage0 and native/pause (which stand alone), tests, and UniqueFd include them. */
export const systemCallHeaders =
  /^(unistd|sched|sys\/(mount|syscall|wait|mman|reboot|prctl|eventfd|timerfd|signalfd|pidfd|sendfile|statfs|statvfs|swap|klog|inotify|fanotify))\.h$/;

/** System calls whose headers others need for the constants in them. */
export const systemCalls = /\b(syscall|epoll_(?:create1?|ctl|p?wait2?))\s*\(/;
