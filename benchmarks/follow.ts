/**
 * How long after a line is written to a log does `osctl logs -f` print it, on an idle node?
 *
 * No rival: a promise of 20 ms at the 99th percentile. What would change our mind: more than that.
 *
 * Each sample is a line, written into a real log ring while nothing else happens; its time ends when it is read from the pipe that is osctl's standard
 * output. In between: the doorbell, osd, mutual TLS, osctl. Lines come at uneven intervals, as those of a quiet service do, so that they meet every
 * state of the timers in between. Checked: each line comes once, in order, alone.
 *
 * Usage: npm run bench -- follow [--lines N]
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { countOf } from './lib/count-of.js';
import { OsdNode } from './lib/osd-node.js';
import { checkout, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({ options: { lines: { type: 'string', default: '500' } } });
const lines = countOf('lines', values.lines);
/** Lines of the beginning that do not count: what they compile is compiled. */
const WARM_UP = 20;
const LINE = 'a service says something of an ordinary length here '.padEnd(80, '.');

const node = await OsdNode.start({ quiet: 1 << 20 });
const ring = node.ring('quiet');
const argv = [join(checkout, 'bin/osctl'), ...node.arguments, 'logs', '-f', 'quiet'];
const osctl = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
const latencies: number[] = [];
try {
  const printed = createInterface({ input: osctl.stdout })[Symbol.asyncIterator]();
  for (let number = -WARM_UP; number < lines; number++) {
    const text = `${number} ${LINE}`;
    const written = performance.now();
    ring.write(`${text}\n`);
    const { value } = await printed.next();
    if (value !== text) throw new Error(`line ${number} came as ${JSON.stringify(value)}`);
    if (number >= 0) latencies.push(performance.now() - written);
    // Uneven, and always the same.
    await sleep(5 + ((((number * 7919) % 40) + 40) % 40));
  }
} finally {
  osctl.kill();
  await node.stop();
}

const sorted = [...latencies].sort((left, right) => left - right);
await publish({
  benchmark: 'follow',
  question: 'line written to line printed by osctl logs -f, idle',
  parameters: { lines, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), budgetP99Ms: 20 },
  measurements: [{ name: 'follow latency', unit: 'ms', samples: latencies }],
});
