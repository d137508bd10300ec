// Routes to the pods of other nodes in a network of its own: real interfaces and routes, somebody else who changes them, and hostile wishes.
import t from 'tap';
import type { InterfaceWish } from '../../../lib/config/network-document.js';
import { ip } from '../../helpers/dhcp/link.js';
import { Managed, routes } from '../../helpers/managed-network.js';
import { inNamespaces } from '../../native/in-namespaces.js';

const WISH: InterfaceWish = {
  selector: { name: 'p0' },
  isIgnored: false,
  addresses: ['10.5.0.2/24', 'fd00::2/64'],
  routes: [{ family: 'inet', destination: 'default', gateway: '10.5.0.1', metric: 0 }],
};

const to = (destination: string, gateway: string) => ({ destination, gateway });

/** Of IPv6, those that are ours. */
const routes6 = (): string[] =>
  ip('-6 route show proto 85')
    .split('\n')
    .map((line) => line.trim().replace(/ dev p0| pref medium| linkdown/g, ''))
    .filter((line) => line !== '');

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  ip('link set lo up');
  ip('link add p0 type veth peer name p1');
  ip('link set p1 up');
  // The bridge of this node's own pods, which a network plugin has made.
  ip('link add pods0 type veth peer name pods1');
  ip('address add 10.244.0.1/24 dev pods0');
  ip('link set pods0 up');
  ip('link set pods1 up');

  t.test('routes follow what is wanted', async (t) => {
    const managed = new Managed(t, [WISH]);
    managed.setPodRoutes([to('10.244.1.0/24', '10.5.0.3'), to('fd00:0:0:1::/64', 'fd00::3')]);
    await managed.says(/^pods: p0: route fd00:0:0:1::\/64 by fd00::3$/, 0);
    const mine = '10.244.1.0/24 via 10.5.0.3 proto 85 metric 2048';
    t.same(routes('p0'), [
      '10.244.1.0/24 via 10.5.0.3 proto 85 metric 2048',
      '10.5.0.0/24',
      'default via 10.5.0.1 proto 84',
    ]);
    t.same(routes6(), ['fd00:0:0:1::/64 via fd00::3 metric 2048']);

    await t.test('one that somebody takes away comes back, also with an address that goes', async (t) => {
      let mark = managed.lines.length;
      ip('route del 10.244.1.0/24');
      await managed.says(/p0: route 10\.244\.1\.0\/24 by 10\.5\.0\.3$/, mark);
      mark = managed.lines.length;
      ip('address del 10.5.0.2/24 dev p0');
      await managed.says(/p0: route 10\.244\.1\.0\/24 by 10\.5\.0\.3$/, mark);
      mark = managed.lines.length;
      ip('link set p0 down');
      await managed.says(/p0: route 10\.244\.1\.0\/24 by 10\.5\.0\.3$/, mark);
      await managed.says(/p0: route fd00:0:0:1::\/64 by fd00::3$/, mark);
      t.ok(routes('p0').includes(mine));
    });

    await t.test('a node that moves, one that comes and one that goes', async (t) => {
      const mark = managed.lines.length;
      managed.setPodRoutes([to('10.244.1.0/24', '10.5.0.33'), to('10.244.2.0/24', '10.5.0.4')]);
      await managed.says(/without route fd00:0:0:1::\/64 by fd00::3$/, mark);
      await managed.says(/p0: route 10\.244\.2\.0\/24 by 10\.5\.0\.4$/, mark);
      t.same(routes('p0').slice(0, 2), [
        '10.244.1.0/24 via 10.5.0.33 proto 85 metric 2048',
        '10.244.2.0/24 via 10.5.0.4 proto 85 metric 2048',
      ]);
      t.same(routes6(), []);
    });

    await t.test(
      'a manager that is started again knows its own, and takes nothing away before it has to',
      async (t) => {
        managed.manager.stop({ release: false });
        const next = new Managed(t, [WISH]);
        next.setPodRoutes([to('10.244.1.0/24', '10.5.0.33')]);
        await next.says(/^pods: without route 10\.244\.2\.0\/24 by 10\.5\.0\.4$/, 0);
        t.notOk(
          next.lines.some((line) => /10\.244\.1\.0/.test(line)),
          'that one was right',
        );
        ip('route add 203.0.113.0/24 via 10.5.0.9 proto 85');
        ip('route add 10.244.77.0/24 via 10.5.0.9');
        next.setPodRoutes([]);
        await next.says(/^pods: without route 10\.244\.1\.0\/24/, 0);
        t.same(
          routes('p0').filter((line) => !/^default|^10\.5/.test(line)),
          ['10.244.77.0/24 via 10.5.0.9', '203.0.113.0/24 via 10.5.0.9 proto 85'],
          'what others have made stays, whatever protocol they call it',
        );
        ip('route del 203.0.113.0/24');
        ip('route del 10.244.77.0/24');
        next.manager.stop({ release: false });
      },
    );
  });

  t.test('nothing hostile changes where packets go', async (t) => {
    const managed = new Managed(t, [WISH]);
    await managed.until('a report', () => managed.reports.length > 0);
    const way = (address: string) =>
      ip(`route get ${address}`)
        .split('\n')[0]
        ?.replace(/ uid.*/, '')
        .trim();
    const before = ['10.5.0.7', '192.0.2.1', '10.244.0.9'].map(way);
    const hostile = [
      to('0.0.0.0/1', '10.5.0.66'),
      to('10.5.0.0/24', '10.5.0.66'),
      to('10.5.0.0/30', '10.5.0.66'),
      to('10.244.0.0/24', '10.5.0.66'),
      to('10.244.0.0/17', '10.5.0.66'),
      to('10.244.0.9/32', '10.5.0.66'),
      // By a pod of this node.
      to('10.244.3.0/24', '10.244.0.66'),
      to('10.244.4.0/24', '192.0.2.66'),
    ];
    managed.setPodRoutes([...hostile, to('10.244.1.0/24', '10.5.0.3')]);
    await managed.says(/^pods: p0: route 10\.244\.1\.0\/24/, 0);
    t.same(['10.5.0.7', '192.0.2.1', '10.244.0.9'].map(way), before);
    t.equal(ip('route show proto 85').trim().split('\n').length, 1);
    const refusals = () => managed.lines.filter((line) => line.startsWith('no route to the pods of'));
    t.equal(refusals().length, hostile.length);
    t.match(refusals().at(-1), /192\.0\.2\.66 is not in a network of this node$/);

    await t.test('what is refused is said once, and taken when it may be', async (t) => {
      const mark = managed.lines.length;
      ip('address add 192.0.2.2/24 dev p0');
      await managed.says(/^pods: p0: route 10\.244\.4\.0\/24 by 192\.0\.2\.66$/, mark);
      t.equal(refusals().length, hostile.length);
    });

    await t.test('a route of somebody else to the same place is stronger, and ours goes', async (t) => {
      const mark = managed.lines.length;
      ip('route add 10.244.1.0/25 via 10.5.0.9');
      await managed.says(/overlaps with the route to 10\.244\.1\.0\/25, which is not one to pods$/, mark);
      await managed.says(/^pods: without route 10\.244\.1\.0\/24 by 10\.5\.0\.3$/, mark);
      t.match(way('10.244.1.1'), /via 10\.5\.0\.9/);
      const again = managed.lines.length;
      ip('route del 10.244.1.0/25');
      await managed.says(/^pods: p0: route 10\.244\.1\.0\/24 by 10\.5\.0\.3$/, again);
    });
  });
}
