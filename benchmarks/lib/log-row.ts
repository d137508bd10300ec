/** One row of benchmarks/logs.ts: lines of one size, streamed whole from log rings, by ours and by the rival in turn. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { startRival } from './grpc-rival.js';
import { OsdNode, usageOf } from './osd-node.js';
import { checkout, type Measurement } from './report.js';
import type { Ratio } from './statistics.js';

export interface RowOptions {
  lineBytes: number;
  /** Of all services together. */
  megabytes: number;
  services: number;
  clients: number;
  samples: number;
  /** log_lines, compiled. */
  tool: string;
  /** grpc_rival, compiled. */
  rival: string;
}

/** What one turn of one contestant took. */
export interface RowSample {
  /** Megabytes a second of all clients together, from the first byte of the first to the last byte of the last. */
  megabytesPerSecond: number;
  linesPerSecond: number;
  /** From the start of the clients to their end. */
  totalSeconds: number;
  /** User and system time of both sides for a gigabyte. */
  serverCpuSecondsPerGb: number;
  clientCpuSecondsPerGb: number;
  serverPeakMib: number;
  clientPeakMib: number;
}

/** What `log_lines fetch` prints. */
interface Fetch {
  bytes: number;
  startMs: number;
  streamMs: number;
  totalMs: number;
  cpuMs: number;
  peakKib: number;
  status: number;
}

/** Whose turn it is. */
export interface Contestant {
  name: string;
  argv: string[];
  /** In front of each line, when there are several services. */
  prefixBytes: number;
  /** Of the server, whose CPU time counts. */
  pid: number;
}

/** What is streamed in a turn. */
export type TurnOptions = Pick<RowOptions, 'tool' | 'lineBytes' | 'clients'> & {
  /** Of all services together. */
  lines: number;
  /** Folder on tmpfs for what comes. */
  scratch: string;
};

/** On tmpfs, so that no disk is measured. */
export const SCRATCH = '/dev/shm';
const MAX_RECORD_BYTES = 4096;
const run = promisify(execFile);

/** Room in a ring for the lines with what each record of theirs takes beside its text. */
export function ringBytes(lineBytes: number, lines: number): number {
  const recordsPerLine = Math.ceil(lineBytes / MAX_RECORD_BYTES);
  return 2 ** Math.ceil(Math.log2(lines * (lineBytes + recordsPerLine * 40) + (1 << 20)));
}

export async function measureRow(options: RowOptions): Promise<Record<string, RowSample[]>> {
  const { lineBytes, services, clients, samples, tool } = options;
  const linesEach = Math.max(1, Math.floor((options.megabytes * 1e6) / services / lineBytes));
  const names = Array.from({ length: services }, (_, at) => `s${String(at).padStart(2, '0')}`);
  const scratch = await mkdtemp(join(SCRATCH, 'talos-bench-'));
  const content = join(scratch, 'content');
  const size = ringBytes(lineBytes, linesEach);
  const node = await OsdNode.start(Object.fromEntries(names.map((name) => [name, size])));
  const lines = linesEach * services;
  try {
    for (const name of names) await node.fill(name, [tool, 'make', String(lineBytes), String(linesEach)]);
    await makeFile(tool, content, lineBytes, lines);
    const server = await startRival(options.rival, node.folder, content);
    try {
      const osctl = [process.execPath, join(checkout, 'bin/osctl'), ...node.arguments, 'logs', ...names];
      const rival = (chunk: number) => [options.rival, 'fetch', node.folder, `127.0.0.1:${server.port}`, String(chunk)];
      const prefixBytes = services === 1 ? 0 : (names[0] as string).length + 2;
      const contestants: Contestant[] = [
        { name: 'osctl logs', argv: osctl, prefixBytes, pid: node.pid },
        { name: 'grpc-go, 1 KiB messages', argv: rival(1024), prefixBytes: 0, pid: server.pid },
        { name: 'grpc-go, 64 KiB messages', argv: rival(65_536), prefixBytes: 0, pid: server.pid },
      ];
      const results: Record<string, RowSample[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
      // One turn that does not count: what a server compiles and maps at first is not the stream's. In turn, so that whatever else
      // the machine does meets all of them.
      for (let number = -1; number < samples; number++) {
        for (const contestant of contestants) {
          const sample = await turn(contestant, { tool, lines, lineBytes, clients, scratch });
          if (number >= 0) results[contestant.name]?.push(sample);
        }
      }
      return results;
    } finally {
      await server.stop();
    }
  } finally {
    await node.stop();
    await rm(scratch, { recursive: true });
  }
}

async function makeFile(tool: string, file: string, lineBytes: number, lines: number): Promise<void> {
  const output = await open(file, 'w');
  const child = spawn(tool, ['make', String(lineBytes), String(lines)], { stdio: ['ignore', output.fd, 'inherit'] });
  const [code] = await once(child, 'exit');
  await output.close();
  if (code !== 0) throw new Error(`log_lines ended with ${code}`);
}

/** Streams all lines to fresh clients and checks each line. @throws Error when a client fails or a line is wrong */
export async function turn(
  contestant: Contestant,
  { tool, lines, lineBytes, clients, scratch }: TurnOptions,
): Promise<RowSample> {
  const bytes = lines * (lineBytes + contestant.prefixBytes);
  const files = Array.from({ length: clients }, (_, at) => join(scratch, `client-${at}`));
  const before = usageOf(contestant.pid);
  const fetches = await Promise.all(
    files.map(async (file) => {
      const { stdout, stderr } = await run(tool, ['fetch', file, String(bytes), ...contestant.argv]);
      const fetch = JSON.parse(stdout) as Fetch;
      if (fetch.status !== 0) throw new Error(`${contestant.name} ended with ${fetch.status}: ${stderr.trim()}`);
      return fetch;
    }),
  );
  const after = usageOf(contestant.pid);
  for (const file of files) {
    await check(tool, file, lineBytes, contestant.prefixBytes, lines);
    await rm(file);
  }
  const gigabytes = (lines * lineBytes * clients) / 1e9;
  const sum = (of: (fetch: Fetch) => number) => fetches.reduce((total, fetch) => total + of(fetch), 0);
  const begin = Math.min(...fetches.map(({ startMs }) => startMs));
  const seconds = (Math.max(...fetches.map(({ startMs, streamMs }) => startMs + streamMs)) - begin) / 1000;
  return {
    megabytesPerSecond: (gigabytes * 1000) / seconds,
    linesPerSecond: (lines * clients) / seconds,
    totalSeconds: Math.max(...fetches.map(({ totalMs }) => totalMs)) / 1000,
    serverCpuSecondsPerGb: (after.cpuMs - before.cpuMs) / 1000 / gigabytes,
    clientCpuSecondsPerGb: sum(({ cpuMs }) => cpuMs) / 1000 / gigabytes,
    serverPeakMib: after.peakKib / 1024,
    clientPeakMib: Math.max(...fetches.map(({ peakKib }) => peakKib)) / 1024,
  };
}

/** Every line is there, once, in order and undamaged. */
async function check(tool: string, file: string, lineBytes: number, prefixBytes: number, lines: number): Promise<void> {
  const child = spawn(tool, ['check', String(lineBytes), String(prefixBytes)], { stdio: ['pipe', 'pipe', 'inherit'] });
  createReadStream(file, { highWaterMark: 1 << 20 }).pipe(child.stdin);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const found = code === 0 ? (JSON.parse(output) as { lines: number; missing: number }) : undefined;
  if (found?.lines !== lines || found.missing !== 0) throw new Error(`${lines} lines were sent, and came as ${output}`);
}

/** What a row is published as. @param label  in front of each name, where there are several rows */
export function rowMeasurements(results: Record<string, RowSample[]>, label = ''): Measurement[] {
  return Object.entries(results).flatMap(([contestant, samples]) => {
    const name = `${label}${contestant}`;
    return [
      { name: `${name}: throughput`, unit: 'MB/s', samples: samples.map((each) => each.megabytesPerSecond) },
      { name: `${name}: lines`, unit: 'lines/s', samples: samples.map((each) => each.linesPerSecond) },
      { name: `${name}: whole command`, unit: 's', samples: samples.map((each) => each.totalSeconds) },
      { name: `${name}: CPU time, server`, unit: 's/GB', samples: samples.map((each) => each.serverCpuSecondsPerGb) },
      { name: `${name}: CPU time, client`, unit: 's/GB', samples: samples.map((each) => each.clientCpuSecondsPerGb) },
      { name: `${name}: peak memory, server`, unit: 'MiB', samples: samples.map((each) => each.serverPeakMib) },
      { name: `${name}: peak memory, client`, unit: 'MiB', samples: samples.map((each) => each.clientPeakMib) },
    ];
  });
}

/** How ours compares in that row. */
export function rowRatios(label = '', atLeast?: number): Ratio[] {
  const of = `${label}osctl logs: throughput`;
  const at = (size: string) => `${label}grpc-go, ${size} messages: throughput`;
  return [
    {
      name: `${label}osctl logs to grpc-go at 1 KiB, MB/s`,
      of,
      by: at('1 KiB'),
      ...(atLeast === undefined ? {} : { atLeast }),
    },
    { name: `${label}osctl logs to grpc-go at 64 KiB, MB/s (stretch: 1)`, of, by: at('64 KiB') },
  ];
}
