/**
 * Where does the time go when osd streams a log ring to osctl?
 *
 * Ring, osd, osctl and checks are those of benchmarks/logs.ts. Both ends are looked into by V8's profiler: osd from the second stream to the last, osctl
 * from start to end. With --native it is osd alone, by perf(1): also what V8 does not see, such as OpenSSL and the kernel.
 *
 * Leaves flame graphs in out/profile, and V8's own files, which the developer tools of Chromium read.
 *
 * Usage: npm run profile -- logs [--rounds N] [--megabytes N] [--line-bytes N] [--native]
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuSeconds } from '../lib/cpu-seconds.js';
import { helperProgram } from '../lib/guest.js';
import { ringBytes, SCRATCH, turn } from '../lib/log-row.js';
import { OsdNode } from '../lib/osd-node.js';
import { checkout } from '../lib/report.js';
import { readCpuProfile, type Span, stacksOf, WHOLE } from './cpu-profile.js';
import { profileFolder, tellFindings } from './findings.js';
import { moduleNamer } from './module-names.js';
import { PerfRecording } from './perf-recording.js';
import { readPerfScript } from './perf-script.js';
import { runProfile, wholeNumber } from './run-profile.js';
import { SAMPLING_INTERVAL_US } from './self-profile.js';

/** Of the stream's only service. */
const SERVICE = 's00';

interface Streams {
  readonly rounds: number;
  readonly megabytes: number;
  readonly lineBytes: number;
}

interface Profiled {
  readonly node: OsdNode;
  /** One stream; what it is checked with is not part of it. */
  readonly stream: (clientFlags: readonly string[]) => Promise<void>;
}

const nowUs = () => Number(process.hrtime.bigint() / 1000n);

/** Makes a node whose ring is full, hands it to `use`, and ends it. */
async function withFullRing(
  { megabytes, lineBytes }: Streams,
  insight: Parameters<typeof OsdNode.start>[1],
  use: (profiled: Profiled) => Promise<void>,
): Promise<void> {
  const tool = join(await helperProgram('log_lines.cc'), 'log_lines');
  const lines = Math.max(1, Math.floor((megabytes * 1e6) / lineBytes));
  const scratch = await mkdtemp(join(SCRATCH, 'talos-profile-'));
  try {
    const node = await OsdNode.start({ [SERVICE]: ringBytes(lineBytes, lines) }, insight);
    try {
      await node.fill(SERVICE, [tool, 'make', String(lineBytes), String(lines)]);
      const stream = async (clientFlags: readonly string[]) => {
        const osctl = [join(checkout, 'bin/osctl'), ...node.arguments, 'logs', SERVICE];
        const argv = [process.execPath, ...clientFlags, ...osctl];
        const contestant = { name: 'osctl logs', argv, prefixBytes: 0, pid: node.pid };
        const { megabytesPerSecond } = await turn(contestant, { tool, lineBytes, lines, clients: 1, scratch });
        process.stderr.write(`${megabytesPerSecond.toFixed(0)} MB/s\n`);
      };
      // What a server compiles and maps at first is not the stream's.
      await stream([]);
      await use({ node, stream });
    } finally {
      await node.stop();
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Both ends, by V8's profiler. */
async function profileScripts(streams: Streams): Promise<void> {
  const folder = await profileFolder();
  const server = join(folder, 'logs-osd.cpuprofile');
  const clients = join(folder, 'logs-osctl');
  await rm(clients, { recursive: true, force: true });
  let span: Span = WHOLE;
  let cpuMs = 0;
  await withFullRing(streams, { profileFile: server }, async ({ node, stream }) => {
    const [fromUs, before] = [nowUs(), cpuSeconds(node.pid)];
    const flags = ['--cpu-prof', `--cpu-prof-dir=${clients}`, `--cpu-prof-interval=${SAMPLING_INTERVAL_US}`];
    for (let round = 0; round < streams.rounds; round++) await stream(flags);
    span = { fromUs, untilUs: nowUs() };
    cpuMs = (cpuSeconds(node.pid) - before) * 1000;
  });
  const files = (await readdir(clients)).map((file) => join(clients, file));
  await tell({ name: 'osd', title: 'osd streams a log ring', cpuMs }, [server], span);
  await tell({ name: 'osctl', title: 'osctl logs, from start to end' }, files, WHOLE);
}

async function tell(
  what: { name: string; title: string; cpuMs?: number },
  files: readonly string[],
  span: Span,
): Promise<void> {
  const moduleOf = moduleNamer();
  const parts = await Promise.all(
    files.map(async (file) => stacksOf(readCpuProfile(await readFile(file, 'utf8'), file, moduleOf), span)),
  );
  const stacks = parts.flatMap((part) => part.stacks);
  const idleMs = parts.reduce((sum, { idleUs }) => sum + idleUs, 0) / 1000;
  await tellFindings(stacks, { ...what, idleMs, file: join(await profileFolder(), `logs-${what.name}.svg`) });
}

/** osd with its native code and the kernel, by perf. */
async function profileNative(streams: Streams): Promise<void> {
  const folder = await profileFolder();
  const data = join(folder, 'logs-osd.perf');
  // perf would keep it under another name.
  await rm(data, { force: true });
  const nodeFlags = ['--perf-basic-prof', '--interpreted-frames-native-stack'];
  let printed = '';
  await withFullRing(streams, { nodeFlags }, async ({ node, stream }) => {
    const recording = await PerfRecording.start(node.pid, data);
    for (let round = 0; round < streams.rounds; round++) await stream([]);
    printed = await recording.stop();
    // The names of what V8 compiled; perf has read them.
    await rm(`/tmp/perf-${node.pid}.map`, { force: true });
  });
  const title = 'osd streams a log ring, with native code and the kernel';
  const file = join(folder, 'logs-osd-native.svg');
  await tellFindings(readPerfScript(printed, moduleNamer()), { name: 'osd', title, file });
}

await runProfile(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      megabytes: { type: 'string', default: '256' },
      'line-bytes': { type: 'string', default: '100' },
      native: { type: 'boolean', default: false },
    },
  });
  const streams = {
    rounds: wholeNumber('--rounds', values.rounds),
    megabytes: wholeNumber('--megabytes', values.megabytes),
    lineBytes: wholeNumber('--line-bytes', values['line-bytes']),
  };
  await (values.native ? profileNative(streams) : profileScripts(streams));
});
