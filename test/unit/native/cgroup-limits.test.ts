import t from 'tap';
import { toRawLimits } from '../../../lib/native/cgroup-limits.js';

const NOTHING = Array(11).fill(Number.NaN);

t.test('what is not named is left alone', async (t) => {
  const { numbers, cpusetCpus, cpusetMems, io } = toRawLimits({});
  t.same([...numbers], NOTHING);
  t.same([cpusetCpus, cpusetMems, [...io]], [undefined, undefined, []]);
});

t.test('every limit has its place', async (t) => {
  const { numbers, cpusetCpus, cpusetMems, io } = toRawLimits({
    memoryMin: 1,
    memoryLow: 2,
    memoryHigh: 3,
    memoryMax: -1,
    memorySwapMax: 0,
    memoryOomGroup: true,
    cpuWeight: 79,
    cpuMax: { quotaUsec: 5000, periodUsec: 20_000 },
    pidsMax: 10,
    ioWeight: 200,
    ioMax: [
      { major: 8, minor: 16, readBytesPerSecond: 1 << 20 },
      { major: 7, minor: 0, writeBytesPerSecond: 1, readOperationsPerSecond: 2, writeOperationsPerSecond: 3 },
    ],
    cpusetCpus: '0-3,8',
    cpusetMems: '',
  });
  t.same([...numbers], [1, 2, 3, -1, 0, 1, 79, 5000, 20_000, 10, 200]);
  t.same([cpusetCpus, cpusetMems], ['0-3,8', '']);
  t.same([...io], [8, 16, 1 << 20, -1, -1, -1, 7, 0, -1, 1, 2, 3]);
  t.same([...toRawLimits({ cpuMax: { quotaUsec: -1 } }).numbers.slice(7, 9)], [-1, Number.NaN]);
});

t.test('what is wrong is named', async (t) => {
  const wrong: [limits: unknown, name: string][] = [
    [null, 'limits'],
    [{ memoryMaximum: 1 }, 'limits'],
    [{ memoryMax: '1' }, 'limits.memoryMax'],
    [{ memorySwapMax: -2 }, 'limits.memorySwapMax'],
    [{ memoryOomGroup: 1 }, 'limits.memoryOomGroup'],
    [{ cpuMax: 5000 }, 'limits.cpuMax'],
    [{ cpuMax: { periodUsec: 20_000 } }, 'limits.cpuMax.quotaUsec'],
    [{ cpuMax: { quotaUsec: 1, periodUsec: 10 } }, 'limits.cpuMax.periodUsec'],
    [{ ioWeight: 0 }, 'limits.ioWeight'],
    [{ ioMax: {} }, 'limits.ioMax'],
    [{ ioMax: [7] }, 'limits.ioMax[0]'],
    [{ ioMax: [{ major: 8, minor: 0, rbps: 1 }] }, 'limits.ioMax[0]'],
    [{ ioMax: [{ major: 8 }] }, 'limits.ioMax[0].minor'],
    [{ ioMax: [{ major: 8, minor: 0, readBytesPerSecond: 1.5 }] }, 'limits.ioMax[0].readBytesPerSecond'],
    [{ cpusetCpus: '0 1' }, 'limits.cpusetCpus'],
    [{ cpusetMems: '0\n1' }, 'limits.cpusetMems'],
    [{ cpusetMems: 0 }, 'limits.cpusetMems'],
  ];
  for (const [limits, name] of wrong) {
    t.throws(
      () => toRawLimits(limits as never),
      { name: 'TypeError', code: /^ERR_INVALID_ARG/, message: new RegExp(`'${name.replace(/[[\].]/g, '\\$&')}'`) },
      JSON.stringify(limits),
    );
  }
});
