/**
 * How long does osctl take to start, compared with Node doing nothing?
 *
 * Rival: `node -e 0`, under the same Node. `osctl version --client` needs nothing but itself; `osctl ps` connects to an osd on this host and prints a table, so it
 * also loads the gRPC library, the generated code and the TLS context.
 * What would change our mind: more than twice the bare Node for `version --client`.
 *
 * Each sample is a process, the contestants in turn; one turn before them does not count (it fills the compile cache, where Node has one).
 *
 * Usage: npm run bench -- osctl-start [--samples N]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { countOf } from './lib/count-of.js';
import { nodeOfImage, OsdNode } from './lib/osd-node.js';
import { checkout, publish } from './lib/report.js';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '20' } } });
const samples = countOf('samples', values.samples);
/** Not synchronously: this process answers for init when osd asks. */
const run = promisify(execFile);

const node = await OsdNode.start({});
const osctl = join(checkout, 'bin/osctl');
/** What each prints; running it must not fail. */
const contestants: Record<string, { argv: string[]; prints: RegExp }> = {
  'node -e 0': { argv: ['-e', '0'], prints: /^$/ },
  'osctl version --client': { argv: [osctl, 'version', '--client'], prints: /^Client:\n/ },
  'osctl ps': { argv: [osctl, ...node.arguments, 'ps'], prints: /^NAMESPACE/ },
};
const nodes = [...new Set([process.execPath, nodeOfImage()])];
const versions = await Promise.all(
  nodes.map(async (executable) => (await run(executable, ['--version'])).stdout.trim()),
);
const withVersion = (name: string, version: string) => `${name}, ${version}`;
const cases = nodes.flatMap((executable, at) =>
  Object.entries(contestants).map(([name, { argv, prints }]) => ({
    name: withVersion(name, versions[at] as string),
    executable,
    argv,
    prints,
    samples: [] as number[],
  })),
);

try {
  for (let number = -1; number < samples; number++) {
    for (const { executable, argv, prints, samples, name } of cases) {
      const started = performance.now();
      const { stdout } = await run(executable, argv);
      const took = performance.now() - started;
      if (!prints.test(stdout)) throw new Error(`${name} printed ${stdout}`);
      if (number >= 0) samples.push(took);
    }
  }
} finally {
  await node.stop();
}

await publish({
  benchmark: 'osctl-start',
  question: 'osctl from its start to its end, compared with a bare Node',
  parameters: { samples, nodes: versions.join(', ') },
  measurements: cases.map(({ name, samples }) => ({ name, unit: 'ms', samples })),
  ratios: versions.flatMap((version) => [
    {
      name: `bare node to osctl version --client, ${version}`,
      of: withVersion('node -e 0', version),
      by: withVersion('osctl version --client', version),
      atLeast: 0.5,
    },
    {
      name: `bare node to osctl ps, ${version}`,
      of: withVersion('node -e 0', version),
      by: withVersion('osctl ps', version),
    },
  ]),
});
