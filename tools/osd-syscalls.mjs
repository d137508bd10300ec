// node tools/osd-syscalls.mjs [TEST…]: what osd calls, against what its filter (lib/osd/seccomp.ts) allows. Runs the tests in which osd is a
// process of its own, or those given (names below out/js, without .test.js), with osd under strace(1), and prints
//
//   refused       calls that failed with EPERM because the list lacks them: the list is too short, or osd should not do that
//   used          calls on the list, with how often they were made
//   never seen    calls on the list that these tests do not lead to: each needs a reason to stay
//
// Of calls before the filter is there nothing is said. Compile first. Exit code 1 when something was refused.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runMain, StepFailure } from './lib/failure.mjs';
import { root } from './lib/paths.mjs';

const defaultTests = ['test/unit/osd/process'];
/** `SECONDS.MICROS name(arguments) = result`, or the end of one that strace had to interrupt. */
const line = /^(\d+\.\d+) (?:<\.\.\. )?(\w+)(?: resumed|\()/;

/** Calls of all threads of one osd: name → { count, refused }, from its first filter on. */
function readTraces(folder) {
  const calls = new Map();
  const entries = readdirSync(folder).flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n'));
  const parsed = entries.flatMap((text) => {
    const match = line.exec(text);
    return match
      ? [{ at: Number(match[1]), name: match[2], isRefused: text.endsWith('= -1 EPERM (Operation not permitted)') }]
      : [];
  });
  const confinedAt = Math.min(...parsed.filter(({ name }) => name === 'seccomp').map(({ at }) => at));
  for (const { at, name, isRefused } of parsed) {
    if (at < confinedAt) continue;
    const entry = calls.get(name) ?? { count: 0, refused: 0 };
    calls.set(name, { count: entry.count + 1, refused: entry.refused + (isRefused ? 1 : 0) });
  }
  return calls;
}

await runMain(async () => {
  const tests = process.argv.length > 2 ? process.argv.slice(2) : defaultTests;
  const all = new Map();
  for (const test of tests) {
    const folder = mkdtempSync(path.join(tmpdir(), 'osd-syscalls-'));
    try {
      const script = path.join(root, 'out/js', `${test}.test.js`);
      const wrapper = path.join(root, 'tools/lib/strace-osd.sh');
      const { status } = spawnSync(process.execPath, ['--enable-source-maps', script], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, OSD_WRAPPER: `/bin/sh ${wrapper} ${folder}` },
      });
      if (status !== 0) throw new StepFailure('osd-syscalls', `${test} failed under strace; is strace installed?`);
      for (const osd of readdirSync(folder)) {
        for (const [name, { count, refused }] of readTraces(path.join(folder, osd))) {
          const entry = all.get(name) ?? { count: 0, refused: 0 };
          all.set(name, { count: entry.count + count, refused: entry.refused + refused });
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const { startFilter } = await import(path.join(root, 'out/js/lib/server/seccomp.js'));
  const listed = startFilter(1)
    .rules.filter(({ action = 'allow' }) => action === 'allow')
    .flatMap(({ syscalls }) => syscalls);
  const names = [...all.keys()].sort();
  const refused = names.filter((name) => all.get(name).refused > 0);
  const unseen = [...new Set(listed)].filter((name) => !all.has(name)).sort();
  process.stdout.write(
    `refused: ${refused.map((name) => `${name} (${all.get(name).refused} ×)`).join(', ') || 'nothing'}\n`,
  );
  process.stdout.write(`used: ${names.map((name) => `${name} ${all.get(name).count}`).join(', ')}\n`);
  process.stdout.write(`never seen: ${unseen.join(', ')}\n`);
  return refused.length > 0 ? 1 : 0;
});
