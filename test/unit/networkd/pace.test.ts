import t from 'tap';
import { Pace } from '../../../lib/networkd/pace.js';

t.test('events of one burst are one look; a quarrel gets slower, and is forgotten', async (t) => {
  let now = 0;
  const pace = new Pace(() => now);
  t.equal(pace.afterEventMs, 20);
  const pauses: number[] = [];
  for (let round = 0; round < 12; round++) {
    t.equal(pace.looked({ hasChanged: true, hasFailed: false }), undefined);
    pauses.push(pace.afterEventMs);
    now += pace.afterEventMs;
  }
  t.same(pauses, [20, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000]);
  pace.looked({ hasChanged: false, hasFailed: false });
  t.equal(pace.afterEventMs, 5000, 'a look that finds nothing is no end of it');
  now += 10_000;
  t.equal(pace.afterEventMs, 20);
  pace.looked({ hasChanged: true, hasFailed: false });
  t.equal(pace.afterEventMs, 20);
});

t.test('what fails is tried again, less and less often', async (t) => {
  const pace = new Pace(() => 0);
  const waits = Array.from({ length: 8 }, () => pace.looked({ hasChanged: false, hasFailed: true }));
  t.same(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  pace.looked({ hasChanged: true, hasFailed: false });
  t.equal(pace.looked({ hasChanged: false, hasFailed: true }), 1000);
});
