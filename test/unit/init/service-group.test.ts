import t from 'tap';
import { ServiceGroup } from '../../../lib/init/service-group.js';
import type { CgroupMemoryEvents, CgroupModule } from '../../../lib/native/contract.js';
import { FakeDescriptor } from '../control/fake-channel.js';
import { recordingLog } from './recording-log.js';

type MemoryEvents = { onChange(event: CgroupMemoryEvents): void };

const errorOf = (code: string) => Object.assign(new Error(code), { code });
const memoryEvents = (oomKill: number): CgroupMemoryEvents => ({
  low: 0,
  high: 0,
  max: 0,
  oom: 0,
  oomKill,
  oomGroupKill: 0,
});

/** A tree whose one group is busy as long as `processes` says so; `mortal` ones go when they are killed. */
function group(processes: { mortal: number; stuck: number }, overrides: Partial<CgroupModule> = {}) {
  const { log, lines } = recordingLog();
  const calls: string[] = [];
  const watches: MemoryEvents[] = [];
  const cgroup = {
    kill: () => {
      calls.push('kill');
      processes.mortal = 0;
    },
    emptied: async () => {
      calls.push('emptied');
      if (processes.stuck > 0) throw errorOf('ETIMEDOUT');
    },
    stats: () => [{ memoryEvents: memoryEvents(3) }],
    watchEvents: (_group: unknown, _file: string, handlers: MemoryEvents) => {
      watches.push(handlers);
      return { close: () => void calls.push('close watch') };
    },
    ...overrides,
  } as unknown as CgroupModule;
  const made = new ServiceGroup(
    { id: 'demo', cgroup: { pidsMax: 5 } },
    {
      problems: [],
      serviceGroup(id) {
        calls.push(`make ${id}`);
        return new FakeDescriptor(id);
      },
      removeServiceGroup(id) {
        if (processes.mortal + processes.stuck > 0) throw errorOf('EBUSY');
        calls.push(`remove ${id}`);
      },
    },
    cgroup,
    log,
  );
  return { made, calls, lines, watches };
}

t.test('a run that left nothing behind is not killed', async (t) => {
  const { made, calls } = group({ mortal: 0, stuck: 0 });
  made.renew();
  await made.clear();
  await made.clear();
  made.renew();
  t.same(calls, ['make demo', 'remove demo', 'close watch', 'make demo']);
});

t.test('what was left behind is killed, and the group not used again', async (t) => {
  const { made, calls } = group({ mortal: 3, stuck: 0 });
  made.renew();
  await made.clear();
  t.same(calls, ['make demo', 'kill', 'emptied', 'remove demo', 'close watch']);
});

t.test('what cannot be ended is told, and holds up the next run', async (t) => {
  const processes = { mortal: 0, stuck: 1 };
  const { made, lines } = group(processes);
  made.renew();
  await made.clear();
  t.match(lines, [{ level: 3, text: 'service demo: processes that it left behind cannot be ended' }]);
  t.throws(() => made.renew(), /cannot be ended/);
  processes.stuck = 0;
  t.ok(made.renew());
});

t.test('any other failure is told as well', async (t) => {
  const refuse = () => {
    throw errorOf('EIO');
  };
  const { made, lines } = group({ mortal: 1, stuck: 0 }, { kill: refuse, stats: refuse, watchEvents: refuse });
  made.renew();
  t.equal(made.outOfMemoryKills(), 0);
  await made.clear();
  t.match(
    lines.map(({ text }) => text),
    [/memory events cannot be watched: EIO/, /memory events cannot be read: EIO/, /could not be cleared: EIO/],
  );
});

t.test('kills for want of memory are told once each', async (t) => {
  const { made, watches } = group({ mortal: 0, stuck: 0 });
  const told: number[] = [];
  made.onOutOfMemory = (kills) => told.push(kills);
  t.equal(made.outOfMemoryKills(), 0, 'no run, no kills');
  made.renew();
  for (const count of [0, 1, 1, 4]) watches[0]?.onChange(memoryEvents(count));
  t.same(told, [1, 3]);
  t.equal(made.outOfMemoryKills(), 3, 'what the kernel says now');
  await made.clear();
  made.renew();
  watches[1]?.onChange(memoryEvents(1));
  t.same(told, [1, 3, 1], 'a new group counts anew');
});

t.test('without the memory controller there is nothing to watch', async (t) => {
  const { made, lines } = group(
    { mortal: 0, stuck: 0 },
    {
      watchEvents: () => {
        throw errorOf('ENOENT');
      },
      stats: () => [{}],
    },
  );
  made.renew();
  t.equal(made.outOfMemoryKills(), 0);
  t.same(lines, []);
});
