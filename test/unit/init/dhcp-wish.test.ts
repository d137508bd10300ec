import t from 'tap';
import { DhcpWishes } from '../../../lib/init/dhcp-wish.js';
import { parseIpParameter } from '../../../lib/os/ip-parameter.js';

t.test('the kernel command line decides', async (t) => {
  const dhcp = new DhcpWishes();
  dhcp.decide(parseIpParameter('::::node-1:eth1:dhcp'));
  t.same(dhcp.current, { link: 'eth1', hostname: 'node-1' });
  t.notOk(dhcp.ask({ link: 'eth0', hostname: '' }));
  t.same(dhcp.current, { link: 'eth1', hostname: 'node-1' });
  for (const text of ['off', '10.0.2.15::10.0.2.2:24::eth0:off']) {
    const fixed = new DhcpWishes();
    fixed.decide(parseIpParameter(text));
    t.notOk(fixed.ask({ link: 'eth0', hostname: '' }), text);
    t.equal(fixed.current, undefined);
  }
});

t.test('where it says nothing, the config may', async (t) => {
  const wishes = new DhcpWishes();
  wishes.decide(undefined);
  t.equal(wishes.current, undefined);
  t.ok(wishes.ask({ link: 'eth0', hostname: '' }));
  t.same(wishes.current, { link: 'eth0', hostname: '' });
  const any = new DhcpWishes();
  any.decide(parseIpParameter('dhcp'));
  t.same(any.current, { link: '', hostname: '' }, 'the first interface');
});
