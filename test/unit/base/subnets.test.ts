import t from 'tap';
import { addressAt, isWithin, overlap, prefixLength } from '../../../lib/base/subnets.js';

t.test('networks that share an address', async (t) => {
  const cases: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.255.255.0/24', true],
    ['10.0.0.0/24', '10.0.1.0/24', false],
    ['10.0.0.5/24', '10.0.0.200', true],
    ['10.0.0.0/31', '10.0.0.2/31', false],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:DB8:ffff::/48', true],
    ['2001:db8::/127', '2001:db8::2', false],
    ['::ffff:10.0.0.1', '10.0.0.1', false],
  ];
  for (const [left, right, expected] of cases) {
    t.equal(overlap(left, right), expected, `${left} ${right}`);
    t.equal(overlap(right, left), expected, `${right} ${left}`);
  }
});

t.test('what lies within a network', async (t) => {
  t.ok(isWithin('10.0.0.1', '10.0.0.0/30'));
  t.ok(isWithin('10.0.0.0/30', '10.0.0.0/30'));
  t.notOk(isWithin('10.0.0.0/29', '10.0.0.0/30'));
  t.notOk(isWithin('10.0.0.4', '10.0.0.0/30'));
  t.ok(isWithin('fd00::1', 'fd00::/64'));
  t.notOk(isWithin('fd00::1', '0.0.0.0/0'));
});

t.test('addresses by number', async (t) => {
  t.equal(addressAt('10.96.0.0/12', 10), '10.96.0.10');
  t.equal(addressAt('10.0.0.255/24', 1), '10.0.0.1', 'host bits do not matter');
  t.equal(addressAt('10.0.0.0/30', 3), '10.0.0.3');
  t.equal(addressAt('10.0.0.0/30', 4), undefined);
  t.equal(addressAt('fd00::/112', 10), 'fd00::a');
  t.equal(prefixLength('10.96.0.0/12'), 12);
});
