import t from 'tap';
import { watchReaper } from '../../../lib/init/reaper-watch.js';
import { FakeClock } from './fake-clock.js';
import { recordingLog } from './recording-log.js';

t.test('orphans are told once a second at most, and only new ones', async (t) => {
  const { log, lines } = recordingLog();
  const clock = new FakeClock();
  let orphansReaped = 0;
  watchReaper(() => ({ childrenReaped: 9, orphansReaped }), log, clock);
  await clock.advance(5000);
  t.same(lines, [], 'our own children are no orphans');
  orphansReaped = 1000;
  await clock.advance(500);
  orphansReaped = 1500;
  await clock.advance(3000);
  orphansReaped = 1501;
  await clock.advance(1000);
  t.same(
    lines.map(({ text }) => text),
    ['reaped 1500 orphans (1500 since boot)', 'reaped 1 orphans (1501 since boot)'],
  );
});
