// Writes the seed corpora of fuzzers whose inputs are binary: node tools/fuzz-seeds.mjs. The result is committed; text corpora
// are files that people wrote, and netlink/kernel-* are what a kernel answered to dumps of a network with some of everything.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeDiskSeeds } from './lib/disk-seeds.mjs';
import { corpusDir } from './lib/fuzz.mjs';

/** Little-endian numbers of the given sizes, one behind the other. */
function numbers(...pairs) {
  return Buffer.concat(
    pairs.map(([bytes, value]) => {
      const buffer = Buffer.alloc(bytes);
      if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value));
      else buffer.writeUIntLE(value, 0, bytes);
      return buffer;
    }),
  );
}

/** Zeros up to the next multiple. */
const padded = (buffer, multiple) => Buffer.concat([buffer, Buffer.alloc(-buffer.length & (multiple - 1))]);

/** A netlink attribute: length, type, payload. */
const attribute = (type, payload) => padded(Buffer.concat([numbers([2, payload.length + 4], [2, type]), payload]), 4);

/** A netlink message: length, type, flags, sequence number, port, payload. */
const message = (type, flags, payload) =>
  padded(Buffer.concat([numbers([4, payload.length + 16], [2, type], [2, flags], [4, 1], [4, 0]), payload]), 4);

/** RTM_NEWNDUSEROPT: nduseroptmsg, an RDNSS option with two servers for 600 s, and the router (NDUSEROPT_SRCADDR 1). */
function nameServers() {
  const address = (front, last) => Buffer.from(front.padEnd(30, '0') + last, 'hex');
  const servers = [address('20010db8', '01'), address('20010db8', '02')];
  const option = Buffer.concat([Buffer.from('190500000000' + '0258', 'hex'), ...servers]);
  const head = numbers([1, 10], [1, 0], [2, option.length], [4, 2], [1, 134], [1, 0], [2, 0], [4, 0]);
  return Buffer.concat([head, option, attribute(1, address('fe80', '01'))]);
}

const text = (value) => Buffer.from(`${value}\0`);

/** ifinfomsg(7), with the attributes of a link: IFLA_IFNAME 3, IFLA_ADDRESS 1, IFLA_MTU 4, IFLA_CARRIER 33, IFLA_LINKINFO 18. */
function link(index, name) {
  return Buffer.concat([
    numbers([1, 0], [1, 0], [2, 1], [4, index], [4, 0x11043], [4, 0]),
    attribute(3, text(name)),
    attribute(1, Buffer.from('525400123456', 'hex')),
    attribute(4, numbers([4, 1500])),
    attribute(33, Buffer.from([1])),
    attribute(18 | 0x8000, attribute(1, text('veth'))),
  ]);
}

/** NLMSG_ERROR with the extended acknowledgement: NLMSGERR_ATTR_MSG 1, NLMSGERR_ATTR_OFFS 2. */
function refusal(errno, words) {
  const request = numbers([4, 36], [2, 16], [2, 5], [4, 1], [4, 0]);
  return Buffer.concat([
    numbers([4, 2 ** 32 - errno]),
    request,
    attribute(1, text(words)),
    attribute(2, numbers([4, 20])),
  ]);
}

/** A record of a log ring: length, stream, reserved, distance to the one before, time, text. */
const record = (line, previous) =>
  padded(
    Buffer.concat([numbers([2, line.length], [1, 1], [1, 0], [4, previous], [8, 1_700_000_000]), Buffer.from(line)]),
    8,
  );

/** Tail, length, counts and last record as native/fuzz/ring_reader_fuzz.cc reads them, what is done, and the records. */
function ring(tail, records, operations) {
  const body = Buffer.concat(records);
  const last = body.length - (records.at(-1)?.length ?? 0);
  const positions = numbers([2, tail], [2, body.length], [2, records.length], [2, body.length], [2, last]);
  const front = Buffer.alloc(64);
  Buffer.concat([positions, operations]).copy(front);
  return Buffer.concat([front, Buffer.alloc(tail), body]);
}

const lines = ['one\n', 'a longer line of text\n', 'unfinished'];
const records = lines.map((line, index) => record(line, index === 0 ? 0 : record(lines[index - 1], 0).length));

/** An answer of device-mapper: its head (version, sizes, count, flags, dev, name, UUID) and the targets, whose `next` counts from the first. */
function mapped(targets) {
  const specs = targets.map(([type, parameters]) => [type, padded(text(parameters), 8)]);
  const body = specs.map(([type, parameters], index) => {
    const next = specs.slice(0, index + 1).reduce((sum, [, each]) => sum + 40 + each.length, 0);
    const name = Buffer.alloc(16);
    name.write(type);
    return Buffer.concat([numbers([8, 0], [8, 8], [4, 0], [4, next]), name, parameters]);
  });
  const data = Buffer.concat(body);
  const name = Buffer.alloc(128 + 129 + 7);
  name.write('root');
  const head = [
    ...[
      [4, 4],
      [4, 48],
      [4, 0],
      [4, 312 + data.length],
      [4, 312],
      [4, targets.length],
    ],
    ...[
      [4, 0],
      [4, 1],
      [4, 0],
      [4, 0],
      [8, (254 << 8) | 3],
    ],
  ];
  return Buffer.concat([numbers(...head), name, data]);
}

const seeds = {
  ...makeDiskSeeds(),
  dm_message: {
    verity: mapped([['verity', 'V']]),
    'two-targets': mapped([
      ['linear', '/dev/vda 0'],
      ['verity', 'C'],
    ]),
    none: mapped([]),
    'cut-off': mapped([['verity', 'V']]).subarray(0, 330),
  },
  netlink: {
    link: message(16, 2, link(2, 'eth0')),
    'two-links': Buffer.concat([
      message(16, 2, link(1, 'lo')),
      message(16, 2, link(2, 'eth0')),
      message(3, 2, numbers([4, 0])),
    ]),
    'name-servers': message(68, 0, nameServers()),
    acknowledged: message(2, 0x100, Buffer.concat([numbers([4, 0]), Buffer.alloc(16)])),
    refused: message(2, 0x300, refusal(22, 'Invalid prefix for given prefix length')),
    'cut-off': message(16, 2, link(2, 'eth0')).subarray(0, 50),
  },
  ring_reader: {
    empty: ring(0, [], numbers([2, 4096])),
    three: ring(0, records, numbers([2, 4096], [1, 3], [1, 0], [2, 2], [1, 1])),
    'small-buffer': ring(64, records, numbers([2, 8], [1, 3], [1, 3], [1, 3])),
    scribbled: ring(0, records, numbers([2, 4096], [1, 2], [2, 4096], [1, 4], [4, 0xffffffff], [1, 0], [2, 1])),
  },
};

for (const [target, inputs] of Object.entries(seeds)) {
  const folder = path.join(corpusDir, target);
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(inputs)) writeFileSync(path.join(folder, name), bytes);
}
