import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  parseCgroupPath,
  parseMemoryCurrent,
  parseSmapsRollup,
  programName,
} from '../../../benchmarks/lib/proc-memory.js';

const ROLLUP = `00400000-7ffd2b9f1000 ---p 00000000 00:00 0                              [rollup]
Rss:               61200 kB
Pss:               21034 kB
Pss_Dirty:         14560 kB
Pss_Anon:          14036 kB
SwapPss:               0 kB
Locked:                0 kB
`;

t.test('a rollup: what is shared is counted in parts', async (t) => {
  t.same(parseSmapsRollup(ROLLUP), { rssBytes: 61_200 * 1024, pssBytes: 21_034 * 1024 });
});

t.test('this process by its kernel', async (t) => {
  const { rssBytes, pssBytes } = parseSmapsRollup(readFileSync('/proc/self/smaps_rollup', 'latin1'));
  t.ok(pssBytes > 1e6 && rssBytes >= pssBytes, `${pssBytes} of ${rssBytes}`);
});

t.test('what is no rollup, cut off, or cannot be true', async (t) => {
  for (const text of ['', ROLLUP.slice(0, ROLLUP.indexOf('Pss:')), ROLLUP.replace('21034 kB', 'much')])
    t.throws(() => parseSmapsRollup(text), /^no Rss|^no Pss/, JSON.stringify(text));
  t.throws(() => parseSmapsRollup(ROLLUP.replace('21034', '61201')), /more Pss than Rss/);
});

t.test('the group of a process, with or without the hierarchies of version 1', async (t) => {
  t.equal(parseCgroupPath('0::/system/osd\n'), 'system/osd');
  t.equal(parseCgroupPath('12:cpu,cpuacct:/a\n0::/podruntime/runtime\n'), 'podruntime/runtime');
  t.equal(parseCgroupPath('0::/\n'), '');
  t.throws(() => parseCgroupPath('12:cpu,cpuacct:/a\n'), /no group of cgroup v2/);
  t.throws(() => parseCgroupPath(''), /no group of cgroup v2/);
});

t.test('bytes of a group', async (t) => {
  t.equal(parseMemoryCurrent('73728\n'), 73_728);
  for (const text of ['', 'max\n', '12 kB\n', '-1\n'])
    t.throws(() => parseMemoryCurrent(text), /no number of bytes/, JSON.stringify(text));
});

t.test('names of programs', async (t) => {
  t.equal(programName({ args: '/sbin/osd', command: 'talos' }), 'osd');
  t.equal(programName({ args: 'containerd --config /etc/x', command: 'containerd' }), 'containerd');
  t.equal(programName({ args: '', command: 'gone' }), '[gone]');
});
