/** What routers advertise, with a netlink that says what the test wants: ends, losses, interfaces that are not kept. */
import t, { type Test } from 'tap';
import type { NameServerHandlers } from '../../../lib/native/contract.js';
import { RouterServers } from '../../../lib/networkd/router-servers.js';
import { within } from '../../helpers/deadline.js';

const DEADLINE_MS = 20_000;
const router = 'fe80::1';

function heard(t: Test, solicit = (_index: number): void => {}) {
  const lines: string[] = [];
  const asked: number[] = [];
  let handlers: NameServerHandlers | undefined;
  let wake = () => {};
  const servers = new RouterServers({
    netlink: {
      monitorNameServers: (given) => {
        handlers = given;
        return { close: () => {} };
      },
      solicitRouters: (index) => {
        asked.push(index);
        wake();
        solicit(index);
      },
    },
    changed: () => wake(),
    fail: (error) => t.fail(error.message),
    log: (text) => void lines.push(text),
  });
  t.teardown(() => servers.stop());
  servers.start();
  const until = async (what: string, isTrue: () => boolean) => {
    const look = async () => {
      while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve));
    };
    await within(DEADLINE_MS, what, look());
  };
  const say = (...said: Parameters<NameServerHandlers['onNameServers']>) => handlers?.onNameServers(...said);
  return { servers, lines, asked, until, say };
}

t.test('a server is forgotten when its time is over, without anybody saying so', async (t) => {
  const { servers, lines, until, say } = heard(t);
  servers.keep([{ index: 2, name: 'eth0' }]);
  say(
    [
      { index: 2, router, lifetimeSeconds: 1, servers: ['2001:db8::1', 'fe80::53'] },
      { index: 2, router, lifetimeSeconds: Number.POSITIVE_INFINITY, servers: ['2001:db8::2'] },
      { index: 3, router, lifetimeSeconds: 60, servers: ['2001:db8::3'] },
    ],
    false,
  );
  await until('they are told', () => lines.length === 1);
  t.same(servers.all, ['2001:db8::1', 'fe80::53%eth0', '2001:db8::2'], 'eth1 is not kept');
  t.same(servers.of(2), ['2001:db8::1', '2001:db8::2']);
  await until('the end is told', () => lines.length === 2);
  t.same(servers.all, ['2001:db8::2']);
  t.same(lines, [
    'eth0: routers advertise name servers 2001:db8::1 fe80::53 2001:db8::2',
    'eth0: routers advertise name servers 2001:db8::2',
  ]);
  servers.keep([{ index: 2, name: 'lan0' }]);
  t.same(servers.all, [], 'one with another name is another one');
});

t.test('routers are asked until they say something, and again when something was lost', async (t) => {
  const refuse = () => {
    throw Object.assign(new Error('no address yet'), { code: 'EADDRNOTAVAIL' });
  };
  const { servers, lines, asked, until, say } = heard(t, refuse);
  servers.keep([{ index: 2, name: 'eth0' }]);
  await until('the first question', () => asked.length === 1);
  say([{ index: 2, router, lifetimeSeconds: 60, servers: ['2001:db8::1'] }], true);
  await until('the question behind the loss', () => asked.length === 2);
  t.same(asked, [2, 2]);
  t.notOk(
    lines.some((line) => line.includes('not asked')),
    'without an address nobody can ask, and the kernel will',
  );
});
