import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { parseLocalIpv4, parseLocalIpv6 } from '../../../../lib/os/proc/local-addresses.js';

const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
        /32 link UNICAST
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 10.9.8.7
        /32 host UNICAST
`;

t.test('addresses of ours, not networks, broadcasts or hosts with a route', async (t) => {
  t.strictSame(parseLocalIpv4(TRIE), ['127.0.0.1', '192.0.2.2']);
  t.strictSame(parseLocalIpv4(''), []);
});

t.test('IPv6', async (t) => {
  const text = `00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000505400fffe123456 02 40 20 80     eth0
20010db8000000000000000000000042 02 40 00 80     eth0
nonsense
`;
  t.strictSame(parseLocalIpv6(text), ['::1', 'fe80::5054:ff:fe12:3456', '2001:db8::42']);
  t.strictSame(parseLocalIpv6(''), []);
});

t.test('the same as netlink says, here', async (t) => {
  const listed = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const of = (family: string) => listed.filter((item) => item.family === family).map(({ address }) => address);
  const ours = parseLocalIpv4(readFileSync('/proc/net/fib_trie', 'utf8'));
  for (const address of of('IPv4')) t.ok(ours.includes(address), address);
  for (const address of of('IPv6')) {
    t.ok(parseLocalIpv6(readFileSync('/proc/net/if_inet6', 'utf8')).includes(address), address);
  }
});
