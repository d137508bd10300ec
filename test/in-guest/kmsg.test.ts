/** What happens to readers that are too slow: needs a kernel log that may be filled. */
import { writeFileSync } from 'node:fs';
import t from 'tap';
import type { KmsgReader, KmsgRecord } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';

const { kmsg } = loadNative();
/** Not shown on the console, which would take minutes to print it all. */
const DEBUG = 7;

// Without it the kernel lets a process write ten records in five seconds. Refused where the command line has decided already.
try {
  writeFileSync('/proc/sys/kernel/printk_devkmsg', 'on\n');
} catch {
  t.comment('the kernel command line decides about printk_devkmsg');
}

function readAll(reader: KmsgReader): { records: KmsgRecord[]; missed: number } {
  const all: { records: KmsgRecord[]; missed: number } = { records: [], missed: 0 };
  for (let batch = reader.read(10_000); batch.records.length > 0; batch = reader.read(10_000)) {
    all.records.push(...batch.records);
    all.missed += batch.missed;
  }
  return all;
}

/** The SMBus controller that QEMU's q35 always has, and that no driver wants. */
const PCI_DEVICE = '0000:00:1f.3';

t.test('messages about a device name it', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  // Found again, the kernel tells what it is.
  writeFileSync(`/sys/bus/pci/devices/${PCI_DEVICE}/remove`, '1');
  writeFileSync('/sys/bus/pci/rescan', '1');
  kmsg.write(DEBUG, 'not about a device');
  const { records } = readAll(reader);
  reader.close();
  const [found] = records.filter(({ device }) => device === `+pci:${PCI_DEVICE}`);
  t.match(found, { subsystem: 'pci', message: `pci ${PCI_DEVICE}: `, facility: 0, isFragment: false });
  const last = records.at(-1);
  t.equal(last?.message, 'not about a device');
  t.same([last?.device, last?.subsystem], [undefined, undefined]);
});

/** Writes until the oldest record there is is younger than `sequence`. */
function overwrite(sequence: number): void {
  const lines = Array.from({ length: 60 }, (_, line) => `${line} `.padEnd(800, 'x')).join('\n');
  for (let round = 0; round < 1000; round++) {
    kmsg.write(DEBUG, lines);
    const probe = kmsg.openReader(kmsg.subscribe('start'));
    const oldest = probe.read(1).records[0]?.sequence ?? 0;
    probe.close();
    if (oldest > sequence) return;
  }
  throw new Error('the kernel log does not fill');
}

t.test('what was overwritten is counted exactly', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('start'));
  const before = reader.read(3).records.at(-1);
  if (!before) throw new Error('an empty log');
  overwrite(before.sequence + 1);
  const { records, missed } = readAll(reader);
  const [first] = records;
  t.ok(missed > 0);
  t.equal(missed, (first?.sequence ?? 0) - before.sequence - 1);
  const gap = records.findIndex(({ sequence }, index) => sequence !== (first?.sequence ?? 0) + index);
  t.equal(gap, -1, 'and nothing else is missing');
  kmsg.write(DEBUG, 'after the gap');
  await reader.wait();
  t.match(reader.read(10), { missed: 0, records: [{ message: 'after the gap', level: DEBUG, facility: 3 }] });
  reader.close();
});

t.test('a reader whose first record was overwritten knows that it missed something', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('start'));
  const probe = kmsg.openReader(kmsg.subscribe('start'));
  const oldest = probe.read(1).records[0]?.sequence ?? 0;
  probe.close();
  overwrite(oldest + 100);
  t.equal(readAll(reader).missed, 1);
  reader.close();
});

t.test('a megabyte is read in batches of bounded size', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('start'));
  let batches = 0;
  for (let batch = reader.read(65_536); batch.records.length > 0; batch = reader.read(65_536)) {
    batches++;
    const bytes = batch.records.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);
    t.ok(bytes <= 257 * 1024);
  }
  t.ok(batches > 0);
  reader.close();
});

t.test('every byte comes back as it was written', async (t) => {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  const text = `backslash \\ quote " tab \t umlaut ä snow ☃ clef 𝄞 ${'ü'.repeat(600)}`;
  kmsg.write(DEBUG, text);
  t.equal(
    readAll(reader)
      .records.map(({ message }) => message)
      .join(''),
    text,
  );
  reader.close();
});
