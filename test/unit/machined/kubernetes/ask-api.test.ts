/** Whether a server is ready, asked of real ones over TLS: of the cluster, of another cluster, of none. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { PemPair } from '../../../../lib/base/secrets-bundle.js';
import { DAY_MS } from '../../../../lib/base/units.js';
import { type ApiServerAddress, askApiServer, NOT_THE_CLUSTERS } from '../../../../lib/machined/kubernetes/ask-api.js';
import {
  createCertificateAuthority,
  encodePrivateKey,
  generatePrivateKey,
  issueServerCertificate,
  publicKeyDer,
  standardPrivateKeyPem,
} from '../../../../lib/pki/index.js';

const never = new AbortController().signal;
const [ca, other] = await Promise.all([createCertificateAuthority({}), createCertificateAuthority({})]);

async function server(
  t: Test,
  authority: PemPair,
  names: { dnsNames: string[]; ipAddresses: string[] },
  validity: { now?: number; lifetimeMs?: number } = {},
): Promise<Server> {
  const key = await generatePrivateKey();
  const cert = await issueServerCertificate({ ca: authority, publicKeyDer: publicKeyDer(key), ...names, ...validity });
  const made = createServer({ cert, key: standardPrivateKeyPem(encodePrivateKey(key)) });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    made.closeAllConnections();
    made.close();
  });
  return made;
}

const at = (made: Server, change: Partial<ApiServerAddress> = {}): ApiServerAddress => ({
  ...{ host: '127.0.0.1', port: (made.address() as AddressInfo).port, ca: ca.crt, identity: 'cluster' },
  ...change,
});
const CLUSTER = { dnsNames: ['kubernetes'], ipAddresses: [] };

t.test('ready, not ready, and one that does not tell strangers', async (t) => {
  const made = await server(t, ca, CLUSTER);
  const answers: [number, RegExp | undefined][] = [
    [200, undefined],
    [401, undefined],
    [403, undefined],
    [500, /not ready yet \(HTTP 500\)/],
    [404, /HTTP 404/],
  ];
  for (const [status, problem] of answers) {
    const paths: string[] = [];
    made.removeAllListeners('request');
    made.on('request', (request, response) => {
      paths.push(request.url ?? '');
      response.writeHead(status).end('ok');
    });
    if (problem) await t.rejects(askApiServer(at(made), never), { code: 'ERR_KUBERNETES_API', message: problem });
    else await askApiServer(at(made), never);
    t.strictSame(paths, ['/readyz']);
  }
});

t.test('a server of another CA is none, nor one for another host', async (t) => {
  const foreign = await server(t, other, CLUSTER);
  foreign.on('request', (_, response) => response.end());
  await t.rejects(askApiServer(at(foreign), never), {
    code: NOT_THE_CLUSTERS,
    message: /^its certificate is not of the cluster's CA: set cluster\.ca and cluster\.controlPlane\.endpoint to/,
  });
  const own = await server(t, ca, CLUSTER);
  own.on('request', (_, response) => response.end());
  const wrongHost = askApiServer(at(own, { identity: 'host' }), never);
  await t.rejects(wrongHost, {
    code: NOT_THE_CLUSTERS,
    message: /^its certificate is not for 127\.0\.0\.1: add that to cluster\.apiServer\.certSANs/,
  });
  const named = await server(t, ca, { dnsNames: [], ipAddresses: ['127.0.0.1'] });
  named.on('request', (_, response) => response.end());
  await askApiServer(at(named, { identity: 'host' }), never);
});

t.test('clocks that do not agree', async (t) => {
  const old = await createCertificateAuthority({ now: Date.now() - 10 * DAY_MS });
  for (const [now, problem] of [
    [Date.now() - 2 * DAY_MS, 'has expired'],
    [Date.now() + 2 * DAY_MS, 'is not valid yet'],
  ] as const) {
    const made = await server(t, old, CLUSTER, { now, lifetimeMs: DAY_MS });
    await t.rejects(askApiServer(at(made, { ca: old.crt }), never), {
      code: NOT_THE_CLUSTERS,
      message: `its certificate ${problem}: check the clocks of this node and of the control planes (osctl time)`,
    });
  }
});

t.test('nobody, and an answer without an end', async (t) => {
  const gone = await server(t, ca, CLUSTER);
  const address = at(gone);
  gone.close();
  await t.rejects(askApiServer(address, never), { code: 'ERR_KUBERNETES_API', message: 'nobody listens there' });
  const endless = await server(t, ca, CLUSTER);
  endless.on('request', (_, response) => {
    // After the end of the connection every write fails at once: nothing else would ever have its turn.
    const more = () => response.write('x'.repeat(32_768), (error) => error || more());
    response.on('error', () => {});
    more();
  });
  await t.rejects(askApiServer(at(endless), never), { message: /has no end/ });
});

t.test('it ends with its signal', async (t) => {
  const silent = await server(t, ca, CLUSTER);
  const stop = new AbortController();
  silent.on('request', () => stop.abort(new Error('the node goes down')));
  await t.rejects(askApiServer(at(silent), stop.signal), { message: 'the node goes down' });
});
