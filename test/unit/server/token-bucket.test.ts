import t from 'tap';
import { AddressBuckets, TokenBucket } from '../../../lib/server/token-bucket.js';

t.test('token bucket', async (t) => {
  let nowMs = 0;
  const bucket = new TokenBucket(10, 3, () => nowMs);
  t.strictSame(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
    'the burst, and no more',
  );
  nowMs = 99;
  t.notOk(bucket.take(), 'not yet');
  nowMs = 100;
  t.strictSame([bucket.take(), bucket.take()], [true, false], 'one after a tenth of a second');
  nowMs = 1e9;
  t.strictSame(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
    'never more than the burst',
  );
});

t.test('token bucket: a share of it, while there is no time', async (t) => {
  let nowMs = 0;
  const bucket = new TokenBucket(10, 8, () => nowMs);
  const takes = (share: number) => [1, 2, 3, 4].map(() => bucket.take(share));
  t.strictSame(takes(1 / 4), [true, true, false, false], 'a quarter of the burst, whatever was saved before');
  nowMs = 399;
  t.notOk(bucket.take(1 / 4), 'a quarter of the rate');
  nowMs = 400;
  t.strictSame(takes(1 / 4), [true, false, false, false]);
  nowMs = 1e6;
  t.strictSame(takes(1 / 100), [true, false, false, false], 'one at least');
});

t.test('a bucket an address', async (t) => {
  const buckets = new AddressBuckets(0, 1, () => 0);
  const take = (...addresses: string[]) => addresses.map((address) => buckets.take(address));
  t.strictSame(take('10.0.0.1', '10.0.0.2', '10.0.0.1', '::ffff:10.0.0.1'), [true, true, false, false], 'IPv4');
  t.strictSame(take('fd00:1:2:3::1', 'fd00:1:2:3:4:5:6:7', 'fd00:1:2:4::1'), [true, false, true], 'IPv6 by /64');
  t.strictSame(take('::1', '::', 'fe80::1%eth0', 'fe80::2'), [true, false, true, false], 'short forms, zones');
  for (let host = 0; host < 2000; host += 1) buckets.take(`10.1.${host >> 8}.${host & 255}`);
  t.ok(buckets.take('10.0.0.1'), 'addresses that were not seen for long are forgotten');
});
