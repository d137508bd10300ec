import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { untilUevent } from '../../../lib/os/until-uevent.js';
import { FakeNetlink } from './fake-netlink.js';

const describe = () => 'the thing';
const matters = ({ subsystem }: { subsystem: string }) => subsystem === 'net';

t.test('what is there already needs no event', async (t) => {
  const netlink = new FakeNetlink();
  t.equal(await untilUevent({ netlink, look: () => 42, matters, describe }), 42);
  t.equal(netlink.openMonitors, 0);
});

t.test('looks again after events that matter, and only then', async (t) => {
  const netlink = new FakeNetlink();
  let looks = 0;
  const found = untilUevent({ netlink, look: () => (++looks === 3 ? 'found' : undefined), matters, describe });
  await setImmediate();
  netlink.send({ subsystem: 'block' });
  await setImmediate();
  t.equal(looks, 1);
  netlink.send({ subsystem: 'net' });
  await setImmediate();
  t.equal(looks, 2);
  netlink.send({ subsystem: 'net' });
  t.equal(await found, 'found');
});

t.test('an overrun is a reason to look', async (t) => {
  const netlink = new FakeNetlink();
  let isThere = false;
  const found = untilUevent({ netlink, look: () => isThere || undefined, matters, describe });
  await setImmediate();
  isThere = true;
  netlink.overrun();
  t.ok(await found);
});

t.test('an event during a look is not lost, and looks do not overlap', async (t) => {
  const netlink = new FakeNetlink();
  let looks = 0;
  let running = 0;
  let isThere = false;
  const look = async () => {
    t.equal(++running, 1);
    const seen = isThere;
    if (++looks === 1) {
      isThere = true;
      netlink.send({ subsystem: 'net' });
    }
    await setImmediate();
    running--;
    return seen || undefined;
  };
  t.ok(await untilUevent({ netlink, look, matters, describe }));
  t.equal(looks, 2);
});

t.test('what goes wrong with the words for it ends the wait, and not the process', async (t) => {
  const netlink = new FakeNetlink();
  const problem = new Error('EAGAIN');
  const failing = () => {
    throw problem;
  };
  await t.rejects(untilUevent({ netlink, look: () => undefined, matters, describe: failing, timeoutMs: 1 }), problem);
  t.equal(netlink.openMonitors, 0);
});

t.test('gives up in time, and says what it waited for', async (t) => {
  const netlink = new FakeNetlink();
  const found = untilUevent({ netlink, look: () => undefined, matters, describe, timeoutMs: 5 });
  await t.rejects(found, { code: 'ERR_WAIT_TIMEOUT', message: 'the thing did not appear within 5 ms' });
  t.equal(netlink.openMonitors, 0);
});

t.test('can be called off', async (t) => {
  const netlink = new FakeNetlink();
  const controller = new AbortController();
  const options = { netlink, look: () => undefined, matters, describe, signal: controller.signal };
  const found = untilUevent(options);
  controller.abort(new Error('enough'));
  await t.rejects(found, { message: 'enough' });
  await t.rejects(untilUevent(options), { message: 'enough' }, 'also before it began');
  t.equal(netlink.openMonitors, 0);
});

t.test('an error of the look ends the wait', async (t) => {
  const netlink = new FakeNetlink();
  const look = () => {
    throw new Error('no permission');
  };
  await t.rejects(untilUevent({ netlink, look, matters, describe }), { message: 'no permission' });
  t.equal(netlink.openMonitors, 0);
});
