/**
 * The half of benchmarks/proxyd.ts that runs in the test guest.
 * Arguments: --packages FOLDER --load FILE --samples N --bytes N --pings N --connects N
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { NODE_FLAGS } from '../../lib/image/executable.js';
import { debianEnvironment } from './debian-program.js';

const execFileAsync = promisify(execFile);
const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '' },
    load: { type: 'string', default: '' },
    samples: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '0' },
    pings: { type: 'string', default: '0' },
    connects: { type: 'string', default: '0' },
  },
});

export const WAYS = ['direct', 'haproxy', 'proxyd'] as const;
export type Way = (typeof WAYS)[number];

/** What one process of a way measured. */
export interface ProxySample {
  /** Bytes a second over one connection, and over eight at once. */
  one: number;
  eight: number;
  /** Nanoseconds, sorted: round trips of 1 KiB, and new connections with one round trip. */
  pings: number[];
  connects: number[];
  /** Of the proxy, for the downloads: its seconds of CPU time a gigabyte. 0 for none. */
  cpuPerGb: number;
}

const SERVER_PORT = 6001;
const PROXY_PORT = 7445;
const PING_BYTES = 1024;
const CONNECTIONS = 8;

/** As its manual has a TCP proxy; threads as many as there are processors, which is its default. */
const HAPROXY_CONFIG = `global
  maxconn 1024
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
listen proxy
  bind 127.0.0.1:${PROXY_PORT}
  balance leastconn
  server one 127.0.0.1:${SERVER_PORT} check inter 1s
`;

/** User and system time of a process in seconds, from proc_pid_stat(5). */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function started(file: string, argv: string[], env: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn(file, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended (${code})`);
  });
  failed.catch(() => {});
  if (child.stdout) await Promise.race([failed, once(child.stdout, 'data')]);
  child.stdout?.resume();
  return child;
}

/** HAProxy says nothing when it listens. */
async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await sleep(20);
  }
}

async function proxy(way: Way): Promise<ChildProcess | undefined> {
  if (way === 'direct') return undefined;
  if (way === 'proxyd') {
    const script = fileURLToPath(new URL('./proxyd-process.js', import.meta.url));
    return started(process.execPath, [...NODE_FLAGS, script, String(PROXY_PORT), String(SERVER_PORT)]);
  }
  writeFileSync('/tmp/haproxy.cfg', HAPROXY_CONFIG);
  const file = join(values.packages, 'haproxy', 'usr/sbin/haproxy');
  const child = spawn(file, ['-db', '-f', '/tmp/haproxy.cfg'], {
    env: debianEnvironment(values.packages),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await untilOpen(PROXY_PORT);
  return child;
}

async function load(...words: (string | number)[]): Promise<string> {
  return (await execFileAsync(values.load, words.map(String), { maxBuffer: 1 << 26 })).stdout;
}

const numbers = (text: string) => text.trim().split('\n').map(Number);

async function measure(way: Way): Promise<ProxySample> {
  const bytes = Number(values.bytes);
  const child = await proxy(way);
  const port = child ? PROXY_PORT : SERVER_PORT;
  const cpuNow = () => (child?.pid === undefined ? 0 : cpuSecondsOf(child.pid));
  // Warm: compiled, and its server known to be up.
  await load('download', port, bytes / 8, 1);
  await load('ping', port, 200, PING_BYTES);
  const cpu = cpuNow();
  const one = bytes / Number(await load('download', port, bytes, 1));
  const eight = bytes / Number(await load('download', port, bytes, CONNECTIONS));
  const cpuPerGb = ((cpuNow() - cpu) / (2 * bytes)) * 1e9;
  const ascending = (text: string) => numbers(text).sort((left, right) => left - right);
  const pings = ascending(await load('ping', port, Number(values.pings), PING_BYTES));
  const connects = ascending(await load('connect', port, Number(values.connects)));
  if (child) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  return { one, eight, pings, connects, cpuPerGb };
}

const server = await started(values.load, ['serve', String(SERVER_PORT)]);
const samples: Record<Way, ProxySample[]> = { direct: [], haproxy: [], proxyd: [] };
for (let number = 0; number < Number(values.samples); number++) {
  for (const way of WAYS) {
    const sample = await measure(way);
    samples[way].push(sample);
    const { one, eight, pings, connects, cpuPerGb } = sample;
    const p99 = (list: number[]) => ((list[Math.floor(list.length * 0.99)] ?? 0) / 1e3).toFixed(0);
    const text = `${(one / 1e6).toFixed(0)} and ${(eight / 1e6).toFixed(0)} MB/s, p99 ${p99(pings)} and ${p99(connects)} µs`;
    process.stderr.write(`${number + 1}: ${way} ${text}, ${cpuPerGb.toFixed(1)} s/GB\n`);
  }
}
process.stdout.write(`${JSON.stringify(samples)}\n`);
server.kill('SIGKILL');
