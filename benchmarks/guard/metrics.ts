/** What the guard looks at: each metric is a cost (more is worse), and has the largest ratio to the base that is let through. */

export interface Metric {
  /** What one reads when it fails. */
  readonly what: string;
  readonly unit: string;
  /** Of the medians, head by base. */
  readonly limit: number;
}

/** A program of benchmarks/guard/probes, and what it tells. */
export interface Probe {
  readonly name: string;
  readonly script: string;
  readonly arguments?: readonly string[];
  /** Options of unshare(1): what it does must not be done to the machine. */
  readonly namespaces?: readonly string[];
  readonly metrics: Readonly<Record<string, Metric>>;
}

const cpu = (what: string, unit: string, limit = 1.25): Metric => ({ what: `${what}, CPU time`, unit, limit });
/** The clock also sees what others do. */
const time = (what: string, unit: string, limit = 1.4): Metric => ({ what: `${what}, time`, unit, limit });

const roleProbe = (role: string, name: string): Probe => ({
  name: `load-${role}`,
  script: 'role',
  arguments: [role],
  metrics: { [`load-${role}`]: cpu(`evaluating ${name} with its code cache`, 'ms') },
});

export const PROBES: readonly Probe[] = [
  {
    name: 'ring',
    script: 'ring',
    metrics: {
      'ring-append': cpu('appending a record of 100 bytes to a log ring', 'ns'),
      'ring-read': cpu('reading a record of 100 bytes from a log ring', 'ns'),
    },
  },
  {
    name: 'pipe',
    script: 'pipe',
    metrics: { 'pipe-to-ring': cpu('a line of 100 bytes from a pipe into a log ring', 'ns') },
  },
  {
    name: 'spawn',
    script: 'spawn',
    metrics: {
      'spawn-time': time('starting and collecting a process', 'µs'),
      'spawn-cpu': cpu('starting and collecting a process', 'µs'),
    },
  },
  { name: 'reaper', script: 'reaper', metrics: { reaper: cpu('reaping an orphan', 'µs', 1.4) } },
  {
    name: 'routes',
    script: 'routes',
    namespaces: ['--net'],
    metrics: { routes: cpu('a route of a list of 1,000', 'ns') },
  },
  {
    name: 'mounts',
    script: 'mounts',
    namespaces: ['--mount'],
    metrics: { mounts: cpu('a table of 300 mounts', 'µs') },
  },
  {
    name: 'cgroups',
    script: 'cgroups',
    namespaces: ['--mount'],
    metrics: { cgroups: cpu('statistics of a control group, of 100', 'ns') },
  },
  {
    name: 'osctl',
    script: 'osctl',
    metrics: {
      'osctl-time': time('osctl version --client', 'ms'),
      'osctl-cpu': cpu('osctl version --client', 'ms'),
    },
  },
  roleProbe('init', "PID 1's script"),
  roleProbe('osd', "osd's script"),
  roleProbe('machined', "machined's script"),
  {
    name: 'osd',
    script: 'osd',
    metrics: {
      'osd-start': cpu('osd until it listens', 'ms'),
      'api-time': time('a unary call over mutual TLS', 'µs'),
      'api-cpu': cpu('a unary call, in osd', 'µs'),
      'logs-time': time('osctl logs of 10 MB, start to end', 'ms'),
      'logs-cpu': cpu('osctl logs, in osd', 's/GB', 1.4),
    },
  },
];

/** Measured once a build, since they are the same each time (benchmarks/guard/sizes.ts). */
export const SIZES: Readonly<Record<string, Metric>> = {
  'size-osctl': { what: 'osctl, all of its files', unit: 'bytes', limit: 1.1 },
  'size-osctl-start': { what: 'what every command of osctl loads', unit: 'bytes', limit: 1.1 },
  'size-init': { what: "PID 1's script", unit: 'bytes', limit: 1.1 },
  'size-osd': { what: "osd's script", unit: 'bytes', limit: 1.1 },
  'size-addon': { what: 'the addon', unit: 'bytes', limit: 1.1 },
};
