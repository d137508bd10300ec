import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { DAY_MS } from '../../../lib/base/units.js';
import type { CallContext } from '../../../lib/control/server.js';
import { certificateHandler } from '../../../lib/machined/certificates.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { IdentityHolder } from '../../../lib/machined/node-identity.js';
import { serverNames } from '../../../lib/machined/server-names.js';
import { parseCertificate } from '../../../lib/pki/index.js';
import { generated } from './fixtures.js';

const context = (deadlineMs = 5000) =>
  ({ peer: 'osd', signal: new AbortController().signal, deadlineMs }) as CallContext;

function handlerOf(identity: IdentityHolder) {
  const logged: string[] = [];
  const handler = certificateHandler({
    clock: { pass: async () => {} },
    identity,
    maintenanceIssued: () => {},
    join: () => Promise.reject(new Error('this node has a CA key')),
    names: (certSans) => serverNames('node-1', {}, certSans),
    log: (text) => void logged.push(text),
  });
  const issue = (key: { publicKey: Buffer }, call: CallContext) =>
    handler({ ...key, signingRequest: Buffer.alloc(0) }, call);
  return { issue, logged };
}

function newKey(): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return publicKey.export({ type: 'spki', format: 'der' });
}

t.test('a public key becomes a certificate for this node, for a day, for a server', async (t) => {
  const { controlplane, caCertificate } = await generated();
  const { identity: found, hostname } = loadConfig(controlplane);
  t.equal(hostname, 'node-1');
  const identity = new IdentityHolder();
  identity.set(found);
  const { issue, logged } = handlerOf(identity);
  const { body } = await issue({ publicKey: newKey() }, context());
  const issued = parseCertificate(Buffer.from(body.certificate).toString());
  t.same(issued.usages, ['server']);
  t.same(issued.otherUsages, []);
  t.notOk(issued.isAuthority);
  t.same(issued.organizations, [], 'no roles');
  t.same(issued.dnsNames, ['node-1', 'localhost', 'api.example.org']);
  t.same(issued.ipAddresses.slice(0, 2), ['192.0.2.7', '127.0.0.1']);
  const lifetimeMs = issued.notAfter.getTime() - Date.now();
  t.ok(lifetimeMs > DAY_MS - 60_000 && lifetimeMs <= DAY_MS, 'a day');
  t.equal(body.notAfterMs, issued.notAfter.getTime());
  t.equal(Buffer.from(body.acceptedCas).toString(), caCertificate);
  t.equal(logged.length, 1);
  t.notMatch(logged.join(), /PRIVATE|BEGIN/);
});

t.test('a key that is none is the asker’s fault', async (t) => {
  const { controlplane } = await generated();
  const identity = new IdentityHolder();
  identity.set(loadConfig(controlplane).identity);
  const { issue } = handlerOf(identity);
  for (const publicKey of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(60_000, 0x30)]) {
    await t.rejects(issue({ publicKey }, context()), { name: 'ControlError', message: /key/ });
  }
});

t.test('without a config the reason is told', async (t) => {
  const identity = new IdentityHolder();
  identity.setMissing('no config disk was found');
  await t.rejects(handlerOf(identity).issue({ publicKey: newKey() }, context(510)), /no config disk was found/);
});
