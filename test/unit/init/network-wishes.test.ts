import t from 'tap';
import { NetworkWishes } from '../../../lib/init/network-wishes.js';
import { parseIpParameter } from '../../../lib/os/ip-parameter.js';
import { FakeClock } from './fake-clock.js';

const DOCUMENT = Buffer.from('{}');

function wishes(ip: string | undefined) {
  const clock = new FakeClock();
  const started: number[] = [];
  const network = new NetworkWishes(clock, () => void started.push(clock.monotonicMs()));
  const isNeeded = network.decide(ip === undefined ? undefined : parseIpParameter(ip));
  return { clock, network, started, isNeeded };
}

t.test('where the node has no address without it, networkd starts with the config', async (t) => {
  for (const ip of [undefined, 'off', 'dhcp']) {
    const { network, started, isNeeded, clock } = wishes(ip);
    t.equal(isNeeded, ip === 'dhcp', 'and even before');
    t.equal(started.length, 0);
    network.set(DOCUMENT, false);
    network.listening();
    network.set(DOCUMENT, false);
    t.equal(started.length, 2);
    t.equal(clock.armed, 0);
  }
});

t.test('where PID 1 has set an address, the API comes first', async (t) => {
  const { clock, network, started } = wishes('192.0.2.2::192.0.2.1:24::eth0:off');
  network.set(DOCUMENT, false);
  await clock.advance(5000);
  network.listening();
  network.listening();
  await clock.advance(1999);
  t.same(started, []);
  await clock.advance(1);
  t.equal(started.length, 1);
  network.set(DOCUMENT, false);
  t.equal(started.length, 2, 'later ones at once');
  await clock.advance(60_000);
  t.equal(started.length, 2);
});

t.test('an API that does not come up does not keep networkd back for ever', async (t) => {
  const { clock, network, started } = wishes('192.0.2.2::192.0.2.1:24::eth0:off');
  network.set(DOCUMENT, false);
  await clock.advance(9999);
  network.listening();
  await clock.advance(1);
  t.equal(started.length, 1, 'the earlier of both');
  t.throws(() => network.set(Buffer.alloc(49 * 1024), false), { message: /too long/ });
  t.equal(network.document, DOCUMENT);
});

t.test('nor does a clock that is wrong wait', async (t) => {
  const { network, started } = wishes('192.0.2.2::192.0.2.1:24::eth0:off');
  network.set(DOCUMENT, true);
  t.equal(started.length, 1);
});
