/**
 * How long does `osctl dmesg` take as a command, from its start to its end, with the whole kernel log of this machine?
 *
 * Beside it: `dmesg` of util-linux (no start of Node, no TLS, no other process), and `osctl ps`, which starts and connects as osctl dmesg does but prints
 * next to nothing: what is between the two is the log. What would change our mind: more than 250 ms.
 *
 * The log is the host's own and stays as it is, so its size is among the parameters. Each sample is a process, the contestants in turn; one turn before them does not
 * count. Checked: osctl prints each record that dmesg prints, in order. Needs to read /dev/kmsg, so root where dmesg_restrict is set.
 *
 * Usage: npm run bench -- osctl-dmesg [--samples N]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { countOf } from './lib/count-of.js';
import { nodeOfImage, OsdNode } from './lib/osd-node.js';
import { checkout, publish } from './lib/report.js';
import { summarise } from './lib/statistics.js';

const BUDGET_MS = 250;
const { values } = parseArgs({ options: { samples: { type: 'string', default: '20' } } });
const samples = countOf('samples', values.samples);
/** Not synchronously: this process answers for init when osd asks. */
const run = promisify(execFile);
const options = { maxBuffer: 64 << 20 };

const node = await OsdNode.start({});
const osctl = [nodeOfImage(), join(checkout, 'bin/osctl'), ...node.arguments];
const contestants = [
  { name: 'osctl dmesg', argv: [...osctl, 'dmesg'] },
  { name: 'osctl ps', argv: [...osctl, 'ps'] },
  { name: 'dmesg', argv: ['dmesg', '--notime'] },
].map((each) => ({ ...each, samples: [] as number[] }));

/** The records without their prefixes: those of osctl begin with facility, level and time, and show the line breaks within a record as the kernel does. */
const texts = (log: string) =>
  log
    .split('\n')
    .flatMap((line) => line.replace(/^\w+: +\w+: \[[^\]]+\]: /, '').split('\\x0a'))
    .map((line) => line.trim());

/** @throws Error that shows the first record in which they differ */
function check(ours: string, theirs: string): void {
  const [found, wanted] = [texts(ours), texts(theirs)];
  const at = wanted.findIndex((text, index) => text !== found[index]);
  if (at >= 0) throw new Error(`record ${at}: osctl dmesg has ${found[at]}, dmesg ${wanted[at]}`);
}

const printed = new Map<string, string>();
try {
  for (let number = -1; number < samples; number++) {
    for (const { name, argv, samples } of contestants) {
      const started = performance.now();
      const { stdout } = await run(argv[0] as string, argv.slice(1), options);
      if (number >= 0) samples.push(performance.now() - started);
      printed.set(name, stdout);
    }
  }
} finally {
  await node.stop();
}
const log = printed.get('dmesg') ?? '';
check(printed.get('osctl dmesg') ?? '', log);

const { median } = summarise(contestants[0]?.samples ?? []);
await publish({
  benchmark: 'osctl-dmesg',
  question: 'osctl dmesg from its start to its end',
  parameters: { samples, logBytes: log.length, records: log.split('\n').length - 1, budgetMs: BUDGET_MS },
  measurements: contestants.map(({ name, samples }) => ({ name, unit: 'ms', samples })),
});
process.stderr.write(
  `osctl dmesg: ${median.toFixed(0)} ms, budget ${BUDGET_MS}: ${median <= BUDGET_MS ? 'kept' : 'MISSED'}\n`,
);
