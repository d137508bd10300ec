// npm run soak [-- --minutes N]: the long tier. Repeats the tests that run in guests and on booted nodes until the time is over,
// because races show in many rounds, not in one.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, StepFailure } from './lib/failure.mjs';
import { root } from './lib/paths.mjs';

const defaultMinutes = 60;

await runMain(async () => {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: String(defaultMinutes) } } });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new StepFailure('soak', `--minutes ${values.minutes} is not a number of minutes`);
  const end = Date.now() + minutes * 60_000;
  let [rounds, failedRounds] = [0, 0];
  do {
    rounds++;
    process.stdout.write(`round ${rounds}\n`);
    const argv = [path.join(root, 'tools', 'test.mjs'), 'native', 'guest', 'vm'];
    const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
    if (status !== 0) failedRounds++;
  } while (Date.now() < end);
  process.stdout.write(`${rounds} rounds, ${failedRounds} with failures\n`);
  return failedRounds > 0 ? 1 : 0;
});
