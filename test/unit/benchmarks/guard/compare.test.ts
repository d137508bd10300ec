/** How samples are taken and what is made of them, with real processes that only pretend to measure. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Comparison, compare } from '../../../../benchmarks/guard/compare.js';
import { isFailure, report, sentence, tap } from '../../../../benchmarks/guard/findings-text.js';
import type { Probe } from '../../../../benchmarks/guard/metrics.js';

const METRIC = { what: 'work', unit: 'ms', limit: 1.2 };

/** Two builds whose cost is in a file, and a probe that reads it and notes whom it has asked. */
function setting(t: Test, costs: { base: string; head: string }, probe = ''): Comparison & { asked: () => string[] } {
  const folder = t.testdir();
  const scripts = join(folder, 'scripts');
  mkdirSync(scripts);
  writeFileSync(join(scripts, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(scripts, 'pretend.js'),
    `import { appendFileSync, readFileSync } from 'node:fs';
     const { checkout } = JSON.parse(process.argv[2]);
     appendFileSync(${JSON.stringify(join(folder, 'asked'))}, checkout.endsWith('base') ? 'base\\n' : 'head\\n');
     const asked = readFileSync(${JSON.stringify(join(folder, 'asked'))}, 'utf8').split('\\n');
     // Of both builds, and of this one.
     const runs = asked.length;
     const own = asked.filter((name) => checkout.endsWith('/' + name)).length;
     ${probe}
     console.log(JSON.stringify({ work: eval(readFileSync(checkout + '/cost', 'utf8')) }));`,
  );
  const build = (name: 'base' | 'head') => {
    const checkout = join(folder, name);
    mkdirSync(checkout);
    writeFileSync(join(checkout, 'cost'), costs[name]);
    return { checkout, bundles: '', node: process.execPath };
  };
  appendFileSync(join(folder, 'asked'), '');
  const probes: Probe[] = [{ name: 'pretend', script: 'pretend', metrics: { work: METRIC } }];
  return {
    ...{ base: build('base'), head: build('head'), probes, scripts, storm: '', limitMs: 60_000, onProgress: () => {} },
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n'),
  };
}

t.test('equal builds are cleared after the first look, asked in turn', async (t) => {
  const comparison = setting(t, { base: '100 + (runs % 3)', head: '100 + (runs % 3)' });
  const [finding] = await compare(comparison);
  t.equal(finding?.verdict?.kind, 'kept');
  t.equal(finding?.samples.head.length, 7);
  const asked = comparison.asked().slice(2);
  t.same(asked.slice(0, 4), ['base', 'head', 'head', 'base'], 'neither is always first');
});

t.test('a slower build fails, with all the samples there are', async (t) => {
  const findings = await compare(setting(t, { base: '100 + (runs % 3)', head: '150 + (runs % 3)' }));
  t.equal(findings[0]?.verdict?.kind, 'slower');
  t.equal(findings[0]?.samples.head.length, 20);
  t.ok(findings.some(isFailure));
  t.match(
    report(findings),
    /work \(work\): SLOWER: 1\.50 × the base, limit 1\.20 ×[\s\S]*base: median 101 ms[\s\S]*here: median 151 ms/,
  );
  t.match(tap(findings), /^TAP version 14\n1\.\.1\nnot ok 1 - work[\s\S]*\n# {2}base: median/);
});

t.test('noise is told, and fails nothing', async (t) => {
  const anything = '40 * 1.5 ** ((own * 3) % 7)';
  const findings = await compare(setting(t, { base: anything, head: anything }));
  t.equal(findings[0]?.verdict?.kind, 'undecided');
  t.notOk(findings.some(isFailure));
  t.match(tap(findings), /\nok 1 - work \(work\): too noisy to decide/);
});

t.test('what the base does not know has nothing to compare with', async (t) => {
  const throws = `if (checkout.endsWith('base')) throw new Error('no such module');`;
  const [finding] = await compare(setting(t, { base: '1', head: '1' }, throws));
  t.match(finding && sentence(finding), /nothing to compare: the probe pretend failed on .*: Error: no such module/);
  t.equal(finding?.samples.head.length, 0);
});

t.test('a wrong answer of this build is an error, and no sample', async (t) => {
  const throws = `if (checkout.endsWith('head')) throw new Error('wrong statistics');`;
  await t.rejects(compare(setting(t, { base: '1', head: '1' }, throws)), /failed on .*head: Error: wrong statistics/);
  await t.rejects(compare(setting(t, { base: '1', head: '0' })), /says that work costs 0/);
});

t.test('when the time is over nothing more is measured', async (t) => {
  const findings = await compare({ ...setting(t, { base: '1', head: '1' }), limitMs: 0 });
  t.match(findings[0] && sentence(findings[0]), /the time was over before it was measured/);
  t.notOk(findings.some(isFailure));
});
