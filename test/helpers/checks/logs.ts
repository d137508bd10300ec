/** Logs of services, whose lines `chatty` numbers, and the kernel's. */
import type { Test } from 'tap';
import { type Architecture, isNative } from '../../../lib/image/architecture.js';
import { seconds } from '../deadline.js';
import type { TestNode } from '../node.js';
import type { ArrivedLine } from '../osctl.js';

/** Loose, because the node is emulated and shares two processors with other tests; the benchmark holds the promise of 20 ms. */
const followP99Ms = (arch: Architecture): number => (isNative(arch) ? 500 : 1000);

interface ChattyLine {
  number: number;
  writtenMs: number;
}

function parseChatty({ text }: { text: string }): ChattyLine {
  const match = /^chatty (\d+) (\d+) \.+$/.exec(text);
  if (!match) throw new Error(`not a line of chatty: ${text}`);
  return { number: Number(match[1]), writtenMs: Number(match[2]) / 1000 };
}

/** The numbers of chatty's lines. */
export const numbersOf = (lines: { text: string }[]): number[] => lines.map((line) => parseChatty(line).number);

/** True if each number follows the one before it. */
export const areConsecutive = (numbers: number[]): boolean =>
  numbers.every((number, at) => at === 0 || number === (numbers[at - 1] ?? 0) + 1);

/** True if each number is greater than the one before it. */
export const isAscending = (numbers: number[]): boolean =>
  numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));

/** How late lines arrived, relative to the soonest one: the clocks of node and host need not agree. */
function relativeLatencies(lines: ArrivedLine[]): number[] {
  const delays = lines.map((line) => line.atMs - parseChatty(line).writtenMs);
  const soonest = Math.min(...delays);
  return delays.map((delay) => delay - soonest).sort((a, b) => a - b);
}

/** `logs -f` of the service chatty, which runs since just now, is complete, in order and soon there. */
export async function followsLog(t: Test, { home, arch }: TestNode): Promise<void> {
  await t.test('logs -f while the service writes', async (t) => {
    const stream = home.stream('logs', '-f', 'chatty');
    t.teardown(() => stream.stop());
    const lines = await stream.until(seconds(60), '400 lines', (all) => all.length >= 400);
    const numbers = numbersOf(lines);
    t.equal(numbers[0], 1, 'from the first line on');
    t.ok(areConsecutive(numbers), 'none lost, doubled or reordered');
    // What was written before the stream came is history and arrives at once.
    const live = relativeLatencies(lines.slice(200));
    const p99 = live[Math.floor(live.length * 0.99)] ?? Number.POSITIVE_INFINITY;
    t.ok(p99 <= followP99Ms(arch), `p99 of the follow latency is ${p99.toFixed(1)} ms above the least`);
    t.comment(
      `follow latency above the least: median ${live[live.length >> 1]?.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    );
  });
}

/** `dmesg`: as text and as data, by level and facility, and its end. */
export async function showsKernelLog(t: Test, { home }: TestNode): Promise<void> {
  await t.test('dmesg', async (t) => {
    const { stdout } = await home.succeed(['dmesg']);
    t.match(stdout, /Linux version 6\.12\.\d+-talos/);
    t.match(stdout, /\[talos\] phase /, 'PID 1 writes its phases there');
    const all = stdout.trimEnd().split('\n').length;
    const records = (await home.succeed(['dmesg', '-o', 'json'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { time: string; facility: string; level: string; message: string });
    t.ok(records.length >= all, 'as many objects as lines');
    t.ok(
      records.every(({ time, facility, level }) => Date.parse(time) > 0 && facility !== '' && level !== ''),
      'each with its time, facility and level',
    );
    const warnings = (await home.succeed(['dmesg', '--level', 'warning', '--facility', 'kern', '-o', 'json'])).stdout;
    const wanted = (level: string) => ['emerg', 'alert', 'crit', 'err', 'warning'].includes(level);
    const some = records.filter(({ level, facility }) => wanted(level) && facility === 'kern').length;
    t.ok(some > 0 && some <= warnings.trimEnd().split('\n').length, `${some} warnings of the kernel`);
    t.equal((await home.succeed(['dmesg', '--tail', '5'])).stdout.trimEnd().split('\n').length, 5);
  });
}
