/** Requests that are damaged, nested or blown up: the generated decoders and a real server take them all, in bounded time. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { KIB, MIB } from '../../../lib/base/units.js';
import { SERVICES } from '../../../lib/osd/api.js';
import { seededRandom } from '../../helpers/seeded-random.js';
import { FakeKmsg } from './support/fake-kmsg.js';
import { FakeRing } from './support/fake-ring.js';
import { Rig } from './support/rig.js';

t.setTimeout(120_000);
const CALLS = SERVICES.flatMap((service) => Object.values(service));
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_125);
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300);

function varint(value: number): number[] {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

/** A message that is well formed on the wire, of fields of any number and type, nested up to `depth`. */
function message(random: (below: number) => number, depth = 3): Buffer {
  const fields = Array.from({ length: random(6) }, (): Buffer => {
    const number = random(20) === 0 ? random(2 ** 28) + 1 : random(16) + 1;
    const tag = (type: number) => Buffer.from(varint(number * 8 + type));
    switch (random(5)) {
      case 0:
        return Buffer.concat([tag(0), Buffer.from(varint(random(2 ** 31)))]);
      case 1:
        return Buffer.concat([tag(1), bytes(random, 8)]);
      case 2:
        return Buffer.concat([tag(5), bytes(random, 4)]);
      default: {
        const body = depth > 0 && random(2) === 0 ? message(random, depth - 1) : bytes(random, random(40));
        return Buffer.concat([tag(2), Buffer.from(varint(body.length)), body]);
      }
    }
  });
  return Buffer.concat(fields);
}

function bytes(random: (below: number) => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/** Flips, cuts, doubles, inserts. */
function damaged(random: (below: number) => number, original: Buffer): Buffer {
  let result = Buffer.from(original);
  for (let change = random(4); change >= 0; change -= 1) {
    const at = random(result.length + 1);
    const kind = random(4);
    if (kind === 0 && at < result.length) result[at] = random(256);
    else if (kind === 1) result = result.subarray(0, at);
    else if (kind === 2)
      result = Buffer.concat([result.subarray(0, at), bytes(random, random(9)), result.subarray(at)]);
    else result = Buffer.concat([result, result.subarray(at)]);
  }
  return result;
}

/** `depth` messages in each other, all as field `number`; or groups, which protobufjs skips by recursion. */
function nested(number: number, depth: number): Buffer {
  let length = 0;
  const heads: Buffer[] = [];
  for (let level = 0; level < depth; level += 1) {
    const head = Buffer.from([(number << 3) | 2, ...varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}
const groups = (number: number, depth: number) => Buffer.alloc(depth, (number << 3) | 3);
const repeatedField = (number: number, count: number) => Buffer.alloc(2 * count, Buffer.from([(number << 3) | 2, 0]));

/** Requests of all kinds. */
function* hostileRequests(random: (below: number) => number, rounds: number): Generator<Buffer> {
  for (let round = 0; round < rounds; round += 1) {
    const valid = message(random);
    yield valid;
    yield damaged(random, valid);
    yield bytes(random, random(64));
  }
}

/** What TextDecoder throws is a TypeError, too. */
function isInvalidText(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}

t.test('decoders: a message or an error, nothing else', async (t) => {
  const random = seededRandom(SEED);
  let [messages, errors] = [0, 0];
  for (const { path, requestDeserialize } of CALLS) {
    for (const request of hostileRequests(random, ROUNDS)) {
      try {
        requestDeserialize(request);
        messages += 1;
      } catch (error) {
        if (!(error instanceof Error) || (error instanceof TypeError && !isInvalidText(error))) {
          t.fail(`${path}: ${error} for ${request.toString('hex')}, seed ${SEED}`);
        }
        errors += 1;
      }
    }
  }
  t.ok(messages > 0 && errors > 0, `${messages} messages, ${errors} errors`);
});

t.test('decoders: depth and number, in bounded time', async (t) => {
  const bombs: Buffer[] = [];
  for (let number = 1; number <= 15; number += 1) {
    bombs.push(nested(number, 15_000), groups(number, 64 * KIB), repeatedField(number, 32 * KIB));
  }
  let worstMs = 0;
  for (const { requestDeserialize } of CALLS) {
    for (const bomb of bombs) {
      const before = process.cpuUsage();
      try {
        requestDeserialize(bomb);
      } catch (error) {
        t.ok(error instanceof Error);
      }
      const { user, system } = process.cpuUsage(before);
      worstMs = Math.max(worstMs, (user + system) / 1000);
    }
  }
  t.ok(worstMs < 250, `at most ${worstMs.toFixed(0)} ms of CPU`);
});

t.test(
  'ten million items of a machine config, which alone may be that large, are decoded by nobody here',
  async (t) => {
    const rig = await Rig.start();
    t.teardown(() => rig.stop());
    const admin = await rig.clientWith(['os:admin']);
    const apply = CALLS.find(({ path }) => path.endsWith('/ApplyConfiguration'));
    if (!apply) throw new Error('there is no ApplyConfiguration');
    const request = repeatedField(15, 10_000_000);
    t.ok(request.length < 32 * MIB);
    const before = process.cpuUsage();
    const outcome = await admin.status(apply, request);
    const { user } = process.cpuUsage(before);
    t.not(outcome.code, status.OK);
    t.ok(user / 1e6 < 5, `${(user / 1e6).toFixed(2)} s of CPU, client and server`);
    const other = CALLS.find(({ path }) => path.endsWith('/ServiceStop'));
    if (!other) throw new Error('there is no ServiceStop');
    t.equal((await admin.status(other, request)).code, status.RESOURCE_EXHAUSTED, 'any other call refuses it unread');
  },
);

t.test('a server takes them all: a status for each, and it still serves', async (t) => {
  const random = seededRandom(SEED + 1);
  const rig = await Rig.start({ ring: new FakeRing().module, kmsg: new FakeKmsg().module });
  t.teardown(() => rig.stop());
  const admin = await rig.clientWith(['os:admin']);
  const bombs = [nested(1, 15_000), nested(2, 15_000), groups(1, 60 * KIB), repeatedField(1, 30_000)];
  for (const call of CALLS) {
    const requests = [...hostileRequests(random, 4), ...bombs];
    const outcomes = await Promise.all(requests.map((request) => admin.status(call, request)));
    for (const [at, { code, details }] of outcomes.entries()) {
      const isOurFault = code === status.INTERNAL && details.includes('the log of osd has the cause');
      const isLost = code === status.UNAVAILABLE && /drop|reset|connection/i.test(details);
      if (isOurFault || isLost || code === status.UNKNOWN) {
        t.fail(
          `${call.path}: ${status[code]} ${details} for ${requests[at]?.toString('hex').slice(0, 200)}, seed ${SEED}`,
        );
      }
    }
  }
  t.ok(await admin.unary('Version', {}), 'it still serves');
});

t.test('metadata: whatever a client may send in a header', async (t) => {
  const random = seededRandom(SEED + 2);
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const admin = await rig.clientWith(['os:admin']);
  const { Metadata } = await import('@grpc/grpc-js');
  for (let round = 0; round < 200; round += 1) {
    const metadata = new Metadata();
    const text = Array.from({ length: random(60) }, () => String.fromCharCode(0x20 + random(0x5f))).join('');
    const name = ['node', 'nodes', 'x-osctl-batch', 'grpc-timeout-x', 'x-any'][random(5)] as string;
    metadata.add(name, text);
    metadata.add('x-any-bin', bytes(random, random(60)));
    const code = await admin.unary('Version', {}, metadata).then(
      () => status.OK,
      (error) => error.code,
    );
    if (![status.OK, status.UNAVAILABLE, status.INVALID_ARGUMENT].includes(code)) {
      t.fail(`${name}: ${JSON.stringify(text)}: ${status[code]}`);
    }
  }
  t.ok(await admin.unary('Version', {}), 'it still serves');
});
