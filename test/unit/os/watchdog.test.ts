import t from 'tap';
import type { WatchdogOptions } from '../../../lib/native/contract.js';
import { findWatchdog, parseWatchdogParameter, startWatchdog } from '../../../lib/os/watchdog.js';

t.test('the kernel parameter', async (t) => {
  t.same(parseWatchdogParameter(undefined), { resetAfterSeconds: 60 });
  t.equal(parseWatchdogParameter('off'), undefined);
  t.same(parseWatchdogParameter('4'), { resetAfterSeconds: 4 });
  for (const wrong of ['', 'on', '3', '601', '-5', '10s', '1e2', '99999999999']) {
    t.throws(() => parseWatchdogParameter(wrong), { code: 'ERR_WATCHDOG_PARAMETER' }, wrong);
  }
});

t.test('the first device is the one', async (t) => {
  t.equal(findWatchdog('/nowhere'), undefined);
  t.equal(findWatchdog(t.testdir({})), undefined);
  const folder = t.testdir({ watchdog10: {}, watchdog2: {}, other: {} });
  t.equal(findWatchdog(folder), '/dev/watchdog2');
});

t.test('half of the time is for PID 1, the other half is the device', async (t) => {
  const asked: WatchdogOptions[] = [];
  const power = {
    openWatchdog: (options: WatchdogOptions) => {
      asked.push(options);
      return {} as never;
    },
  };
  startWatchdog(power, '/dev/watchdog0', { resetAfterSeconds: 7 });
  t.same(asked, [{ path: '/dev/watchdog0', timeoutSeconds: 3, pretimeoutSeconds: 1, aliveWithinMs: 4000 }]);
});
