/**
 * The half of benchmarks/logs.ts that runs in the test guest: makes the round trip over the loopback device longer and measures a row.
 * Arguments: --packages FOLDER --tool FILE --rival FILE --rtt MS --samples N --megabytes N --line-bytes N
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { debianEnvironment } from './debian-program.js';
import { measureRow } from './log-row.js';

const text = { type: 'string', default: '' } as const;
const { values } = parseArgs({
  options: {
    ...{ packages: text, tool: text, rival: text, rtt: text, samples: text, megabytes: text },
    ...{ 'line-bytes': text },
  },
});

if (values.rtt !== '0') {
  // Each way takes half of it. Room for all that is under way then: netem drops what it has no room for.
  const words = ['qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', `${Number(values.rtt) / 2}ms`];
  const env = debianEnvironment(values.packages);
  execFileSync(join(values.packages, 'iproute2/usr/sbin/tc'), [...words, 'limit', '100000'], { env, stdio: 'inherit' });
}
const results = await measureRow({
  lineBytes: Number(values['line-bytes']),
  megabytes: Number(values.megabytes),
  services: 1,
  clients: 1,
  samples: Number(values.samples),
  tool: values.tool,
  rival: values.rival,
});
process.stdout.write(`${JSON.stringify(results)}\n`);
