import t from 'tap';
import { IdentityHolder, type NodeIdentity } from '../../../lib/machined/node-identity.js';

const IDENTITY: NodeIdentity = {
  ca: { crt: 'c', key: 'k' },
  acceptedCas: 'c',
  certSans: [],
  token: 't',
  controlPlaneHost: '10.5.0.2',
};
const signal = () => new AbortController().signal;

t.test('whoever asks before there is a config waits for it', async (t) => {
  const holder = new IdentityHolder();
  const waiting = [holder.get(5000, signal()), holder.get(0, signal())];
  holder.set(IDENTITY);
  t.same(await Promise.all(waiting), [IDENTITY, IDENTITY]);
  t.equal(await holder.get(1, signal()), IDENTITY);
});

t.test('whoever waits in vain is told why, before it loses its own patience', async (t) => {
  const holder = new IdentityHolder();
  holder.setMissing('no config disk was found');
  const startedMs = performance.now();
  await t.rejects(holder.get(600, signal()), {
    message: 'this node has no machine config: no config disk was found',
  });
  t.ok(performance.now() - startedMs < 600);
});

t.test('an asker that is gone does not wait', async (t) => {
  const holder = new IdentityHolder();
  const controller = new AbortController();
  const waiting = holder.get(0, controller.signal);
  controller.abort();
  await t.rejects(waiting, /no machine config/);
});
