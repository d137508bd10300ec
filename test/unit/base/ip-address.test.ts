import t from 'tap';
import {
  canonicalAddress,
  canonicalPrefix,
  familyOf,
  isPlainAddress,
  networkOf,
} from '../../../lib/base/ip-address.js';

t.equal(familyOf('192.0.2.1'), 'inet');
t.equal(familyOf('2001:db8::/32'), 'inet6');
for (const text of ['192.0.2.1', '::', '2001:DB8::1', '::ffff:192.0.2.1']) t.ok(isPlainAddress(text), text);
for (const text of ['', '192.0.2', '192.0.2.01', 'fe80::1%eth0', '192.0.2.1/24']) t.notOk(isPlainAddress(text), text);

t.equal(canonicalAddress('192.0.2.1'), '192.0.2.1');
t.equal(canonicalAddress('2001:DB8:0:0:0::1'), '2001:db8::1');
t.equal(canonicalPrefix('2001:DB8:0::1/064'), '2001:db8::1/64');

for (const [text, network] of [
  ['10.0.2.15/24', '10.0.2.0/24'],
  ['255.255.255.255/1', '128.0.0.0/1'],
  ['10.0.2.15/32', '10.0.2.15/32'],
  ['10.0.2.15/0', '0.0.0.0/0'],
  ['2001:db8:1:2:3:4:5:6/64', '2001:db8:1:2::/64'],
  ['2001:db8::ffff/127', '2001:db8::fffe/127'],
  ['::1/128', '::1/128'],
  ['fe80::1/0', '::/0'],
  ['::ffff:192.0.2.77/120', '::ffff:192.0.2.0/120'],
] as const) {
  t.equal(networkOf(text), network, text);
}
