/**
 * Every daemon of a booted node is killed again and again: `node out/js/test/soak/kills.js [COUNT] [DAEMON…]`, 100 times each unless said
 * otherwise, with the short back-off of test images. Each comes back and does its work; afterwards PID 1 has no more descriptors than before, hardly
 * more memory, and nobody is a zombie.
 */
import { MIB } from '../../lib/base/units.js';
import { seconds } from '../helpers/deadline.js';
import { DAEMONS, initFacts, Killer, SHORT_BACK_OFF } from '../helpers/kills.js';
import { TestNode } from '../helpers/node.js';

const DEFAULT_COUNT = 100;
/** Kills of each before it is measured for the first time: by then the heap is as large as it is to be, and the lists of events are full. */
const WARM_UP = 10;
/** From its end to a successor that does its work. */
const BACK_MS = seconds(30);
/** A heap that is not collected at once looks larger for a while. */
const GROWTH_BYTES = 16 * MIB;

const [countText, ...names] = process.argv.slice(2);
const count = Number(countText ?? DEFAULT_COUNT);
const chosen = DAEMONS.filter((id) => names.length === 0 || names.includes(id));

await using node = await TestNode.create({ name: 'kills', layer: 'test', kernelArguments: SHORT_BACK_OFF });
using killer = new Killer(node);
await killer.allWell();
let failures = 0;
const check = (isGood: boolean, what: string) => {
  if (!isGood) failures++;
  console.log(`${isGood ? 'ok' : 'FAILED'} ${what}`);
};

for (const id of chosen) for (let kill = 0; kill < Math.min(WARM_UP, count); kill++) await killer.killAndWait(id);
const before = await initFacts(node.home);
for (const id of chosen) {
  const times: number[] = [];
  for (let kill = 0; kill < count; kill++) times.push(await killer.killAndWait(id));
  times.sort((left, right) => left - right);
  const [median, longest] = [times[Math.floor(times.length / 2)] ?? 0, times.at(-1) ?? 0];
  check(
    longest < BACK_MS,
    `${id}: killed ${times.length} times, back after ${(median / 1000).toFixed(1)} s, ${(longest / 1000).toFixed(1)} s at most`,
  );
}
const after = await initFacts(node.home);
const mib = (bytes: number) => (bytes / MIB).toFixed(1);
check(
  after.descriptors <= before.descriptors,
  `PID 1 has ${before.descriptors} descriptors, then ${after.descriptors}`,
);
check(
  after.residentBytes <= before.residentBytes + GROWTH_BYTES,
  `PID 1 has ${mib(before.residentBytes)} MiB of memory, then ${mib(after.residentBytes)}`,
);
check(after.zombies === 0, `${after.zombies} zombies`);
console.log(failures === 0 ? 'kills: passed' : `kills: ${failures} FAILED`);
process.exitCode = failures === 0 ? 0 : 1;
