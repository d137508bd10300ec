import { createPrivateKey, createPublicKey } from 'node:crypto';
import t from 'tap';
import { readKeyRequest } from '../../../lib/pki/key-request.js';
import { type Issue, NodeIdentity } from '../../../lib/server/node-identity.js';
import { Authority } from '../osd/support/authority.js';
import { rejection, until } from '../osd/support/rig.js';

t.test('asks until there is a certificate, and says why not, once', async (t) => {
  const authority = await Authority.create();
  const lines: string[] = [];
  let attempts = 0;
  const keys: Uint8Array[] = [];
  const issue: Issue = async ({ publicKey, signingRequest }) => {
    attempts += 1;
    keys.push(publicKey);
    t.ok(readKeyRequest(signingRequest).equals(publicKey), 'both forms of one key');
    if (attempts < 4) throw new Error('no config yet');
    return {
      certificate: Buffer.from('PEM'),
      acceptedCas: Buffer.from(authority.certificate.repeat(2)),
      notAfterMs: 5,
    };
  };
  const identity = new NodeIdentity(issue, (line) => lines.push(line));
  const material = await identity.obtain(new AbortController().signal);
  t.equal(attempts, 4);
  t.strictSame(lines, ['no certificate yet: no config yet']);
  t.equal(material.certificate, 'PEM');
  t.equal(material.acceptedCas.length, 2);
  t.equal(material.notAfterMs, 5);
  const own = createPublicKey(createPrivateKey(material.key)).export({ type: 'spki', format: 'der' });
  t.ok(own.equals(keys[3] as Uint8Array), 'it asked for its own key');
});

t.test('stops when it is told to', async (t) => {
  const stop = new AbortController();
  const identity = new NodeIdentity(
    () => Promise.reject(new Error('never')),
    () => {},
  );
  const obtained = rejection(identity.obtain(stop.signal));
  stop.abort(new Error('enough'));
  t.match(await obtained, { message: /enough|aborted/ });

  const hanging = new NodeIdentity(
    () => new Promise(() => {}),
    () => {},
  );
  const again = new AbortController();
  const waiting = rejection(hanging.obtain(again.signal));
  again.abort(new Error('enough'));
  t.match(await waiting, { message: 'enough' }, 'even while machined thinks about it');
});

t.test('renews at half of the lifetime, with a new key', async (t) => {
  const authority = await Authority.create();
  const issue: Issue = async () => ({
    certificate: Buffer.from('PEM'),
    acceptedCas: Buffer.from(authority.certificate),
    notAfterMs: Date.now() + 400,
  });
  const stop = new AbortController();
  const identity = new NodeIdentity(issue, () => {});
  const first = await identity.obtain(stop.signal);
  const keys = [first.key];
  const startedMs = Date.now();
  const kept = rejection(identity.keep(first, (material) => keys.push(material.key), stop.signal));
  await until(() => keys.length === 3, 'two renewals');
  const tookMs = Date.now() - startedMs;
  t.ok(tookMs >= 300, `after ${tookMs} ms`);
  t.equal(new Set(keys).size, 3);
  stop.abort(new Error('enough'));
  await kept;
});

t.test('renews at once when the node has other addresses, also if it hears of them early', async (t) => {
  const authority = await Authority.create();
  const issue: Issue = async () => ({
    certificate: Buffer.from('PEM'),
    acceptedCas: Buffer.from(authority.certificate),
    notAfterMs: Date.now() + 3_600_000,
  });
  const stop = new AbortController();
  const identity = new NodeIdentity(issue, () => {});
  const first = await identity.obtain(stop.signal);
  const keys = [first.key];
  identity.renewSoon();
  const kept = rejection(identity.keep(first, (material) => keys.push(material.key), stop.signal));
  await until(() => keys.length === 2, 'what came before it listened');
  identity.renewSoon();
  identity.renewSoon();
  await until(() => keys.length === 3, 'what came while it slept');
  t.equal(new Set(keys).size, 3);
  stop.abort(new Error('enough'));
  t.match(await kept, { message: 'enough' });
});
