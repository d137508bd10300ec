import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { bringUpLoopback, configureInterface, waitForInterface } from '../../../lib/os/network.js';
import { FakeNetlink, link } from './fake-netlink.js';

const loopback = link('lo', { index: 1, type: 772 });

t.test('loopback is found by its type', async (t) => {
  const netlink = new FakeNetlink();
  netlink.linksThere = [link('eth0'), loopback];
  bringUpLoopback(netlink);
  t.same(netlink.calls, [['link', 1, { isUp: true }]]);
  netlink.linksThere = [];
  t.throws(() => bringUpLoopback(netlink), { code: 'ERR_NO_INTERFACE' });
});

t.test('waits for the interface that was named', async (t) => {
  const netlink = new FakeNetlink();
  netlink.linksThere = [loopback, link('eth1')];
  const found = waitForInterface(netlink, { name: 'eth0', timeoutMs: 10_000 });
  await setImmediate();
  netlink.linksThere.push(link('eth0', { index: 7 }));
  netlink.send({ subsystem: 'net' });
  t.match(await found, { name: 'eth0', index: 7 });
});

t.test('takes the first Ethernet interface with a device behind it', async (t) => {
  const sysfs = t.testdir({ lo: {}, dummy0: {}, eth0: { device: {} }, eth1: { device: {} }, wwan0: { device: {} } });
  const netlink = new FakeNetlink();
  const names = ['dummy0', 'wwan0', 'eth0', 'eth1'];
  netlink.linksThere = [loopback, ...names.map((name) => link(name, { type: name === 'wwan0' ? 519 : 1 }))];
  t.match(await waitForInterface(netlink, { timeoutMs: 10_000, sysfs }), { name: 'eth0' });
});

t.test('says which interfaces there are when it gives up', async (t) => {
  const netlink = new FakeNetlink();
  netlink.linksThere = [loopback, link('eth1')];
  await t.rejects(waitForInterface(netlink, { name: 'eth0', timeoutMs: 5 }), {
    code: 'ERR_WAIT_TIMEOUT',
    message: /the interface 'eth0' \(there are: lo, eth1\)/,
  });
  await t.rejects(waitForInterface(netlink, { timeoutMs: 5, sysfs: '/nonexistent' }), {
    message: /an Ethernet interface/,
  });
});

t.test('configures in the order that the kernel needs', async (t) => {
  const netlink = new FakeNetlink();
  configureInterface(netlink, link('eth0'), { address: '10.5.0.2/24', gateway: '10.5.0.1' });
  t.same(netlink.calls, [
    ['link', 2, { isUp: true }],
    ['address', { index: 2, address: '10.5.0.2/24' }],
    ['route', { destination: 'default', gateway: '10.5.0.1', index: 2 }],
  ]);
  netlink.calls.length = 0;
  configureInterface(netlink, link('eth0'), { address: '10.5.0.2/24' });
  t.equal(netlink.calls.length, 2, 'no gateway, no route');
});
