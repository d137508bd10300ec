import t, { type Test } from 'tap';
import { Timekeeper, type TimekeeperOptions } from '../../../lib/networkd/clock/timekeeper.js';
import { within } from '../../helpers/deadline.js';

const answer = (offsetMs: number) => ({ offsetMs, delayMs: 1, stratum: 2, localMs: 0, remoteMs: offsetMs });

function rig(t: Test, more: Partial<TimekeeperOptions> = {}) {
  const done: string[] = [];
  let wake = () => {};
  const say = (text: string) => {
    done.push(text);
    wake();
  };
  const keeper = new Timekeeper({
    clock: {
      stepRealTime: (byMs) => say(`step ${byMs}`),
      slewRealTime: ({ offsetMs }) => say(`slew ${offsetMs}`),
    },
    ask: async () => answer(1),
    resolve: async () => ['192.0.2.1'],
    stepped: (byMs, server) => say(`told ${byMs} ${server}`),
    log: (text) => say(`log ${text}`),
    random: () => 0.5,
    ...more,
  });
  t.teardown(() => keeper.stop());
  const until = (text: string) => {
    const look = async () => {
      while (!done.includes(text)) await new Promise<void>((resolve) => (wake = resolve));
    };
    return within(20_000, text, look(), () => done.join('\n'));
  };
  return { keeper, done, until };
}

t.test('a step, and then the clock is followed', async (t) => {
  const offsets = [-86_400_000, 3];
  const { keeper, done, until } = rig(t, { ask: async () => answer(offsets.shift() ?? 0) });
  keeper.use({ servers: ['192.0.2.1'], nameServers: [] });
  keeper.use({ servers: ['192.0.2.1'], nameServers: [] });
  await until('log the clock follows 192.0.2.1');
  t.ok(keeper.isSynchronised);
  t.same(done, [
    'log time servers: 192.0.2.1',
    'step -86400000',
    'log the clock was set by -86400.000 s, as 192.0.2.1 says',
    'told -86400000 192.0.2.1',
    'slew 3',
    'log the clock follows 192.0.2.1',
  ]);
});

t.test('servers that do not answer are passed over, and each of the addresses of a name is tried', async (t) => {
  const asked: string[] = [];
  const { keeper, until, done } = rig(t, {
    ask: async (address) => {
      asked.push(address);
      if (address !== '2001:db8::3') throw new Error(`${address} is silent`);
      return answer(2);
    },
    resolve: async (name, nameServers) => {
      if (name === 'none.example') throw new Error('ENOTFOUND');
      t.same(nameServers, ['192.0.2.53']);
      return ['192.0.2.2', '2001:db8::3'];
    },
  });
  keeper.use({ servers: ['192.0.2.1', 'none.example', 'time.example'], nameServers: ['192.0.2.53'] });
  await until('slew 2');
  t.same(asked, ['192.0.2.1', '192.0.2.2', '2001:db8::3']);
  t.ok(done.includes('log 192.0.2.1 is silent'));
  t.ok(done.includes('log time server none.example cannot be found: ENOTFOUND'));
});

t.test('other servers are asked at once; none: the clock is left alone', async (t) => {
  const asked: string[] = [];
  const { keeper, until, done } = rig(t, {
    ask: async (address) => {
      asked.push(address);
      throw new Error(`${address} is silent`);
    },
  });
  keeper.use({ servers: ['a.example'], nameServers: [] });
  await until('log there is no name server to ask for the time server a.example');
  keeper.use({ servers: ['a.example'], nameServers: ['192.0.2.53'] });
  await until('log 192.0.2.1 is silent');
  keeper.use({ servers: [], nameServers: [] });
  await until('log the clock is left alone');
  const before = asked.length;
  keeper.use({ servers: ['192.0.2.7'], nameServers: [] });
  await until('log 192.0.2.7 is silent');
  t.equal(asked.length, before + 1);
  t.notOk(keeper.isSynchronised);
  t.notOk(done.some((line) => /^(step|slew|told)/.test(line)));
});

t.test('a clock that may not be set', async (t) => {
  const { keeper, until, done } = rig(t, {
    clock: {
      stepRealTime: () => {
        throw new Error('EPERM');
      },
      slewRealTime: () => {},
    },
    ask: async () => answer(5000),
  });
  keeper.use({ servers: ['192.0.2.1'], nameServers: [] });
  await until('log the clock cannot be set: EPERM');
  t.notOk(keeper.isSynchronised);
  t.notOk(done.some((line) => /^told/.test(line)));
});
