import t from 'tap';
import { parseLoadAverage, parseStat } from '../../../../lib/os/proc/stat.js';
import { fixture } from './fixtures.js';

t.test('x86_64', async (t) => {
  const stat = parseStat(fixture('x86_64', 'stat'));
  t.match(stat.cpuTotal, { user: 1.16, nice: 0, system: 1.26, idle: 1.97, softIrq: 0.02, guestNice: 0 });
  t.match(stat.cpu, [
    { user: 0.92, system: 0.91, idle: 0.43 },
    { user: 0.24, system: 0.35, idle: 1.53, softIrq: 0.01 },
  ]);
  t.equal(stat.cpu.length, 2);
  t.equal(stat.irqTotal, 1802);
  t.strictSame(stat.irq.slice(0, 5), [69, 9, 0, 0, 2]);
  t.equal(stat.irq.length, 40);
  t.equal(stat.softIrqTotal, 1526);
  t.strictSame(stat.softIrq, {
    ...{
      hi: 0,
      timer: 238,
      netTx: 0,
      netRx: 0,
      block: 0,
      blockIoPoll: 0,
      tasklet: 1,
      sched: 574,
      hrtimer: 0,
      rcu: 713,
    },
  });
  t.equal(stat.processRunning, 1);
  t.ok(stat.bootTime > 1.7e9 && stat.contextSwitches > 0 && stat.processCreated > 0);
});

t.test('arm64', async (t) => {
  const stat = parseStat(fixture('arm64', 'stat'));
  t.equal(stat.cpu.length, 2);
  t.equal(stat.cpuTotal.user, 1.26);
  t.equal(stat.bootTime, 1_795_634_485);
  t.strictSame([stat.contextSwitches, stat.processCreated, stat.processBlocked], [1704, 62, 0]);
  t.match(stat.softIrq, { timer: 206, sched: 538, rcu: 652 });
});

t.test('an older kernel with fewer columns, and nothing at all', async (t) => {
  const stat = parseStat('cpu  100 200 300 400\nintr 7\nbtime 12\n');
  t.match(stat.cpuTotal, { user: 1, nice: 2, system: 3, idle: 4, iowait: 0, guestNice: 0 });
  t.match(stat, { bootTime: 12, irqTotal: 7, irq: [], cpu: [], softIrqTotal: 0 });
  t.match(parseStat(''), { bootTime: 0, irqTotal: 0, cpu: [], softIrq: { rcu: 0 } });
});

t.test('load', async (t) => {
  t.strictSame(parseLoadAverage('1.19 1.10 0.02 1/97 430\n'), { load1: 1.19, load5: 1.1, load15: 0.02 });
});
