import t from 'tap';
import { ApiStart } from '../../../../lib/machined/volumes/index.js';

const MUCH_MS = 60_000;

t.test('disks wait for osd, and for nobody else', async (t) => {
  const api = new ApiStart();
  let isOver = false;
  const wait = api.wait(MUCH_MS).then(() => {
    isOver = true;
  });
  api.take({ kind: 'shuttingDown' });
  api.take({ kind: 'listening', peer: 'trustd' });
  await new Promise(setImmediate);
  t.equal(isOver, false);
  api.take({ kind: 'listening', peer: 'osd' });
  await wait;
  await api.wait(MUCH_MS);
});

t.test('one that listened before it was waited for is not waited for', async () => {
  const api = new ApiStart();
  api.take({ kind: 'listening', peer: 'osd' });
  await api.wait(MUCH_MS);
});

t.test('nor is one that never does', async () => {
  await new ApiStart().wait(1);
});

t.test('an API that waits for a control plane is not waited for', async (t) => {
  const api = new ApiStart();
  const waiting = api.wait(60_000);
  api.isHeldUp();
  await waiting;
  await api.wait(60_000);
  t.pass('at once');
});
