/**
 * The half of benchmarks/ingest.ts that runs in the test guest: starts a process a sample, in turn, and prints what they measured.
 * Arguments: --packages FOLDER --generator FILE --samples N --ring-lines N --journal-lines N
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadNative } from '../../lib/native/index.js';
import { debianEnvironment } from './debian-program.js';

const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '' },
    generator: { type: 'string', default: '' },
    samples: { type: 'string', default: '10' },
    'ring-lines': { type: 'string', default: '0' },
    'journal-lines': { type: 'string', default: '0' },
    case: { type: 'string' },
  },
});

const LINE_BYTES = 100;
const RING_BYTES = 1 << 20;
const MACHINE_ID = '0123456789abcdef0123456789abcdef';
const JOURNAL_FOLDER = '/run/log/journal';
const IDENTIFIER = 'ingest';
/** How often it is looked whether all is stored: noise of a few milliseconds in seconds. */
const LOOK_MS = 5;

/** What one process measured. */
export interface IngestSample {
  seconds: number;
  /** User and system time of whoever takes the lines in, not of the generator. */
  cpuSeconds: number;
}

/** The numbers in front of the generator's lines, from `first` on. */
function isGenerated(lines: readonly string[], first: number): boolean {
  return lines.every((line, index) => line.length === LINE_BYTES - 1 && Number(line.slice(0, 12)) === first + index);
}

async function ingestByRing(count: number): Promise<IngestSample> {
  const native = loadNative();
  native.process.startReaper({ subreaper: false });
  const log = native.ring.create({ name: 'ingest', sizeBytes: RING_BYTES });
  const [read, write] = native.descriptor.pipe();
  log.attach(read, 'stdout');
  const cpu = process.cpuUsage();
  const started = performance.now();
  const child = native.process.spawn({
    file: values.generator,
    argv: ['line_generator', String(count)],
    env: {},
    stdin: 'null',
    stdout: write,
    stderr: 'inherit',
  });
  write.close();
  await log.drained();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await child.exited;
  const { records, bytes } = log.stats;
  const reader = native.ring.openReader({ memory: log.subscribe().memory });
  reader.seekTail(1000);
  const buffer = Buffer.alloc(RING_BYTES);
  const tail = buffer.toString('latin1', 0, reader.read(buffer).bytes).split('\n').slice(0, -1);
  if (records !== count || bytes !== count * LINE_BYTES || tail.length !== 1000 || !isGenerated(tail, count - 1000)) {
    throw new Error(`the ring holds ${records} records, ${bytes} bytes and ${tail.length} of the last lines`);
  }
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** An empty, volatile journal without limits of rate; whatever else it could forward to or read from is off. */
function prepareJournal(): void {
  rmSync(JOURNAL_FOLDER, { recursive: true, force: true });
  rmSync('/run/systemd', { recursive: true, force: true });
  for (const folder of [JOURNAL_FOLDER, '/run/systemd/journal', '/etc/systemd']) mkdirSync(folder, { recursive: true });
  writeFileSync('/etc/machine-id', `${MACHINE_ID}\n`);
  const settings = [
    ...['Storage=volatile', 'RateLimitIntervalSec=0', 'RateLimitBurst=0', 'ReadKMsg=no', 'Audit=no'],
    ...['RuntimeMaxUse=1200M', 'RuntimeMaxFileSize=1100M', 'RuntimeKeepFree=16M'],
    ...['ForwardToSyslog=no', 'ForwardToKMsg=no', 'ForwardToConsole=no', 'ForwardToWall=no'],
  ];
  writeFileSync('/etc/systemd/journald.conf', `[Journal]\n${settings.join('\n')}\n`);
}

/** Resolves when there is a file of that name in the folder. */
async function untilThere(folder: string, name: string): Promise<void> {
  const watcher = watch(folder);
  try {
    while (!existsSync(join(folder, name))) await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}

/** Entries stored in a journal file: a field of its header (Journal File Format, systemd.io). */
function entriesIn(file: number): number {
  const ENTRIES_OFFSET = 152;
  const field = Buffer.alloc(8);
  readSync(file, field, 0, field.length, ENTRIES_OFFSET);
  return Number(field.readBigUInt64LE());
}

/** User and system time that a process has used, from proc_pid_stat(5). */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * Every byte of every line, in order. A line may come in two pieces: journald breaks one where the credentials of the sender seem to change, which they do
 * once for what was sent between its accept(2) and its asking for them; and it takes the white space off both ends of a piece.
 */
function checkJournal(text: string, count: number): void {
  const rest = text.slice(12, LINE_BYTES - 1);
  const expected = Array.from({ length: count }, (_, number) => String(number).padStart(12, '0') + rest).join('');
  const lines = text.split('\n').length - 1;
  const visible = (of: string) => of.replace(/\s+/g, '');
  if (lines > count + 1 || visible(text) !== visible(expected)) {
    throw new Error(
      `the journal holds ${lines} lines and ${text.length} bytes, not the ${count} lines that were written`,
    );
  }
}

async function ingestByJournal(count: number): Promise<IngestSample> {
  prepareJournal();
  const env = debianEnvironment(values.packages, ['systemd']);
  const program = (name: string) => join(values.packages, 'systemd', name);
  const journald = spawn(program('usr/lib/systemd/systemd-journald'), { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const failed = once(journald, 'exit').then(([code, signal]) => {
    throw new Error(`journald ended (${signal ?? `exit code ${code}`})`);
  });
  failed.catch(() => {});
  const folder = join(JOURNAL_FOLDER, MACHINE_ID);
  await Promise.race([failed, untilThere('/run/systemd/journal', 'stdout')]);
  await Promise.race([failed, untilThere(JOURNAL_FOLDER, MACHINE_ID)]);
  await Promise.race([failed, untilThere(folder, 'system.journal')]);
  const file = openSync(join(folder, 'system.journal'), 'r');
  const pid = journald.pid as number;
  // What it says about its own start is in the file before anybody has connected.
  let before = -1;
  for (let now = entriesIn(file); now !== before || now === 0; now = entriesIn(file)) {
    before = now;
    await Promise.race([failed, sleep(100)]);
  }
  const cpu = cpuSecondsOf(pid);
  const started = performance.now();
  const generator = spawn(values.generator, [String(count), '/run/systemd/journal/stdout', IDENTIFIER], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const generated = once(generator, 'exit');
  while (entriesIn(file) - before < count) await Promise.race([failed, sleep(LOOK_MS)]);
  const seconds = (performance.now() - started) / 1000;
  const cpuSeconds = cpuSecondsOf(pid) - cpu;
  await generated;
  closeSync(file);
  journald.removeAllListeners('exit');
  const ended = once(journald, 'exit');
  journald.kill('SIGTERM');
  await ended;
  const text = execFileSync(
    program('usr/bin/journalctl'),
    ['-D', JOURNAL_FOLDER, '-o', 'cat', '--no-pager', '-q', '-t', IDENTIFIER],
    { env, encoding: 'latin1', maxBuffer: 1 << 30 },
  );
  checkJournal(text, count);
  return { seconds, cpuSeconds };
}

const counts = { ring: Number(values['ring-lines']), journal: Number(values['journal-lines']) };

async function measureOne(name: string): Promise<void> {
  const sample = name === 'ring' ? await ingestByRing(counts.ring) : await ingestByJournal(counts.journal);
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}

/** Prints `{ring, journal}`, each a list of samples. */
function measureAll(): void {
  const samples: Record<'ring' | 'journal', IngestSample[]> = { ring: [], journal: [] };
  for (let number = 0; number < Number(values.samples); number++) {
    for (const name of ['ring', 'journal'] as const) {
      const own = process.argv.slice(2);
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...own, '--case', name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const sample = JSON.parse(output) as IngestSample;
      samples[name].push(sample);
      process.stderr.write(`${number + 1}: ${name} ${(counts[name] / sample.seconds).toFixed(0)} lines/s\n`);
    }
  }
  process.stdout.write(`${JSON.stringify(samples)}\n`);
}

if (values.case === undefined) measureAll();
else await measureOne(values.case);
