/**
 * The half of benchmarks/kmsg.ts that runs in the test guest: fills the kernel log, then starts a process a sample, in turn.
 * Arguments: --packages FOLDER --samples N
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadNative } from '../../lib/native/index.js';
import { debianEnvironment } from './debian-program.js';

const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '' },
    samples: { type: 'string', default: '10' },
    case: { type: 'string' },
  },
});

const { kmsg } = loadNative();
/** Not shown on the console, which would take minutes to print it all. */
const DEBUG = 7;
const LINE = 'the kernel says something of an ordinary length here, '.padEnd(80, '.');
/** Calls that are made before the one that counts: what the first one compiles and maps is not the reader's. */
const WARM_UP_READS = 3;

export interface KmsgSamples {
  records: number;
  textBytes: number;
  /** Milliseconds of each. */
  ours: number[];
  dmesg: number[];
  dmesgSyslog: number[];
  dmesgStart: number[];
}

interface Read {
  records: number;
  textBytes: number;
  first: number;
  last: string;
}

/** Everything that is in the log, as osd reads it: records decoded to JavaScript, by batches. */
function readAll(): Read {
  const reader = kmsg.openReader(kmsg.subscribe('start'));
  const read: Read = { records: 0, textBytes: 0, first: -1, last: '' };
  for (let { records } = reader.read(512); records.length > 0; { records } = reader.read(512)) {
    if (read.first < 0) read.first = records[0]?.sequence ?? 0;
    for (const { message } of records) read.textBytes += message.length;
    read.records += records.length;
    read.last = records.at(-1)?.message ?? '';
  }
  reader.close();
  return read;
}

/** Writes until the records of the boot are gone: the buffer is full then. */
function fill(): void {
  const lines = Array.from({ length: 50 }, (_, number) => `${number} ${LINE}`).join('\n');
  const oldest = () => {
    const reader = kmsg.openReader(kmsg.subscribe('start'));
    const sequence = reader.read(1).records[0]?.sequence ?? 0;
    reader.close();
    return sequence;
  };
  for (let round = 0; oldest() < 2000; round++) {
    if (round > 2000) throw new Error('the kernel log does not fill');
    kmsg.write(DEBUG, lines);
  }
}

function dmesg(words: readonly string[]): { text: string; milliseconds: number } {
  const file = join(values.packages, 'util-linux/usr/bin/dmesg');
  const env = debianEnvironment(values.packages);
  const started = performance.now();
  const { stdout, stderr, status } = spawnSync(file, words, { env, maxBuffer: 1 << 28, encoding: 'latin1' });
  const milliseconds = performance.now() - started;
  if (status !== 0) throw new Error(`dmesg ${words.join(' ')}: ${stderr}`);
  return { text: stdout, milliseconds };
}

/** Each in a process of its own, which prints milliseconds. */
const cases: Record<string, () => number> = {
  ours() {
    for (let number = 0; number < WARM_UP_READS; number++) readAll();
    const started = performance.now();
    readAll();
    return performance.now() - started;
  },
  // Raw: it prints what it has read, without making times and colours of it.
  dmesg: () => dmesg(['--raw']).milliseconds,
  // By syslog(2): all of it in one call, which tells neither sequence nor what was missed.
  dmesgSyslog: () => dmesg(['--syslog', '--raw']).milliseconds,
  // Starting, loading its libraries and being waited for; what is left is its reading.
  dmesgStart: () => dmesg(['--version']).milliseconds,
};

const CASES = ['ours', 'dmesg', 'dmesgSyslog', 'dmesgStart'] as const;

function measureAll(): void {
  fill();
  const read = readAll();
  const lines = dmesg(['--raw']).text.trimEnd().split('\n');
  if (lines.length !== read.records || !lines.at(-1)?.endsWith(read.last)) {
    throw new Error(`dmesg shows ${lines.length} records, we ${read.records}`);
  }
  const samples: KmsgSamples = {
    records: read.records,
    textBytes: read.textBytes,
    ours: [],
    dmesg: [],
    dmesgSyslog: [],
    dmesgStart: [],
  };
  for (let number = 0; number < Number(values.samples); number++) {
    for (const name of CASES) {
      const own = process.argv.slice(2);
      const argv = [fileURLToPath(import.meta.url), ...own, '--case', name];
      samples[name].push(Number(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
    }
  }
  if (readAll().first !== read.first) throw new Error('the log has changed meanwhile');
  if (!/\blog_buf_len=1M\b/.test(readFileSync('/proc/cmdline', 'latin1'))) throw new Error('the log is not 1 MiB');
  process.stdout.write(`${JSON.stringify(samples)}\n`);
}

if (values.case === undefined) measureAll();
else process.stdout.write(`${cases[values.case]?.()}\n`);
