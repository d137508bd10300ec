import t from 'tap';
import { progressLines } from '../../../lib/image/progress-lines.js';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const progress = progressLines({ isTTY, columns: 30, write: (text) => written.push(text) }, () => nowMs);
  return { written, progress, wait: (ms: number) => (nowMs += ms) };
}

t.test('into a log: every step, and a counter now and then', async (t) => {
  const { written, progress, wait } = recorder(false);
  progress.report('compiling, 1 of 3', 33);
  wait(1000);
  progress.report('compiling, 2 of 3', 66);
  wait(15_000);
  progress.report('compiling, 3 of 3', 100);
  progress.report('linking');
  progress.end();
  t.same(written, ['[0 ms] 33 % compiling, 1 of 3\n', '[16 s] 100 % compiling, 3 of 3\n', '[16 s] linking\n']);
});

t.test('on a terminal: one line, as wide as there is room', async (t) => {
  const { written, progress, wait } = recorder(true);
  progress.report('a text that is wider than this terminal is');
  wait(100);
  progress.report('b');
  progress.end();
  t.same(written, ['\r\u001b[K[0 ms] a text that is wider t', '\r\u001b[K[100 ms] b', '\r\u001b[K']);
});
