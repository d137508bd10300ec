import t from 'tap';
import { AcceptShare } from '../../../lib/osd/accept-share.js';

const MINIMUM = 1 / 16;
const TICK_S = 0.1;

function after(ticks: number, attemptsEach: number, isOverloaded: boolean, share = new AcceptShare(MINIMUM)) {
  for (let tick = 0; tick < ticks; tick++) {
    for (let attempt = 0; attempt < attemptsEach; attempt++) share.attempted();
    share.look(isOverloaded, TICK_S);
  }
  return share;
}

t.test('a rush of connections that takes all time halves it again and again, down to the minimum', async (t) => {
  t.equal(after(1, 50, true).value, 1 / 2);
  t.equal(after(3, 50, true).value, 1 / 8);
  t.equal(after(20, 50, true).value, MINIMUM);
});

t.test('streams that keep the process busy turn nobody away', async (t) => {
  t.equal(after(100, 0, true).value, 1);
  t.equal(after(100, 2, true).value, 1, 'twenty clients a second come in beside them');
});

t.test('a rush that there is time for is none', async (t) => {
  t.equal(after(20, 50, false).value, 1);
});

t.test('all is as before two seconds after the rush, however busy the process is', async (t) => {
  const share = after(20, 50, true);
  t.ok(after(18, 0, true, share).value < 1);
  t.equal(after(1, 0, true, share).value, 1);
});

t.test('a look that comes late counts what came meanwhile', async (t) => {
  const share = new AcceptShare(MINIMUM);
  for (let attempt = 0; attempt < 20; attempt++) share.attempted();
  share.look(true, 1);
  t.equal(share.value, 1);
});
