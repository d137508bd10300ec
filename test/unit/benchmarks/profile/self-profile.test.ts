import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { checkout } from '../../../../benchmarks/lib/report.js';
import { readCpuProfile, stacksOf, WHOLE } from '../../../../benchmarks/profile/cpu-profile.js';
import { functionsOf } from '../../../../benchmarks/profile/frame-tree.js';

/** Until it has used 100 ms of CPU time, however busy the machine is. */
const SCRIPT = `
const { profileUntilExit } = await import(process.argv[1]);
profileUntilExit(3);
function busy() { let sum = 0; for (let at = 0; at < 1e5; at++) sum += Math.sqrt(at); return sum; }
const before = process.cpuUsage();
while (process.cpuUsage(before).user < 100_000) busy();
process.exit(Number(process.argv[2]));`;

for (const exitCode of [0, 7]) {
  t.test(`a process that ends with ${exitCode} leaves what it has done, on the clock of others`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'x.cpuprofile');
    const descriptor = openSync(file, 'w');
    const module = pathToFileURL(join(checkout, 'out/js/benchmarks/profile/self-profile.js')).href;
    const nowUs = () => Number(process.hrtime.bigint() / 1000n);
    const fromUs = nowUs();
    const argv = ['--input-type=module', '-e', SCRIPT, module, String(exitCode)];
    const { status } = spawnSync(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit', descriptor] });
    const untilUs = nowUs();
    closeSync(descriptor);
    t.equal(status, exitCode);
    const profile = readCpuProfile(readFileSync(file, 'utf8'), file, (url) => url);
    const { stacks } = stacksOf(profile, WHOLE);
    t.ok(functionsOf(stacks).some(({ name, selfUs }) => name.startsWith('busy ') && selfUs > 0));
    const work = (span: { fromUs: number; untilUs: number }) =>
      stacksOf(profile, span).stacks.reduce((sum, { microseconds }) => sum + microseconds, 0);
    t.equal(work({ fromUs, untilUs }), work(WHOLE), 'all of it while we waited');
  });
}
