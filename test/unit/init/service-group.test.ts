import t from 'tap';
import { ServiceGroup } from '../../../lib/init/service-group.js';
import { FakeDescriptor } from '../control/fake-channel.js';
import { FakeClock } from './fake-clock.js';
import { recordingLog } from './recording-log.js';

/** A tree whose one group is busy as long as `processes` says so; `mortal` ones go when they are killed. */
function group(processes: { mortal: number; stuck: number }) {
  const { log, lines } = recordingLog();
  const clock = new FakeClock();
  const calls: string[] = [];
  const made = new ServiceGroup(
    { id: 'demo', cgroup: { pidsMax: 5 } },
    {
      problems: [],
      serviceGroup(id) {
        calls.push(`make ${id}`);
        return new FakeDescriptor(id);
      },
      removeServiceGroup(id) {
        if (processes.mortal + processes.stuck > 0) throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' });
        calls.push(`remove ${id}`);
      },
    },
    {
      kill: () => {
        calls.push('kill');
        processes.mortal = 0;
      },
    },
    log,
    clock,
  );
  return { made, calls, lines, clock };
}

t.test('a run that left nothing behind is not killed', async (t) => {
  const { made, calls } = group({ mortal: 0, stuck: 0 });
  made.renew();
  await made.clear();
  await made.clear();
  made.renew();
  t.same(calls, ['make demo', 'remove demo', 'make demo']);
});

t.test('what was left behind is killed, and the group not used again', async (t) => {
  const { made, calls, clock } = group({ mortal: 3, stuck: 0 });
  made.renew();
  const cleared = made.clear();
  await clock.advance(10);
  await cleared;
  t.same(calls, ['make demo', 'kill', 'remove demo']);
});

t.test('what cannot be ended is told, and holds up the next run', async (t) => {
  const processes = { mortal: 0, stuck: 1 };
  const { made, lines, clock } = group(processes);
  made.renew();
  const cleared = made.clear();
  await clock.advance(3000);
  await cleared;
  t.match(lines, [{ level: 3, text: 'service demo: processes that it left behind cannot be ended' }]);
  t.throws(() => made.renew(), /cannot be ended/);
  processes.stuck = 0;
  t.ok(made.renew());
});
