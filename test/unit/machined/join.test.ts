/** The worker's side of joining: which control planes are asked, when, and what of their answers is believed. */
import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { TalosError } from '../../../lib/base/errors.js';
import { HOUR_MS } from '../../../lib/base/units.js';
import type { MachineConfig } from '../../../lib/config/schema.js';
import { endpointAddresses, Join, type JoinOptions } from '../../../lib/machined/join/index.js';
import { requestCertificate, type TrustEndpoint } from '../../../lib/machined/join/trust-client.js';
import type { NodeIdentity } from '../../../lib/machined/node-identity.js';
import {
  createCertificateAuthority,
  issueClientCertificateFor,
  issueServerCertificate,
} from '../../../lib/pki/index.js';

const ca = await createCertificateAuthority();
const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
const key = { publicKey, signingRequest: Buffer.from('a request') };
const identity: NodeIdentity = {
  ca: { crt: ca.crt, key: '' },
  acceptedCas: ca.crt,
  certSans: [],
  token: 'abcdef.0123456789abcdef',
  controlPlaneHost: 'api.example.org',
};
const ADDRESSES = ['10.5.0.2', '10.5.0.3', '10.5.0.4'];
const certified = (options: Partial<Parameters<typeof issueServerCertificate>[0]> = {}) =>
  issueServerCertificate({ ca, publicKeyDer: publicKey, dnsNames: [], ipAddresses: ['10.5.0.9'], ...options });

function joining(answer: (endpoint: TrustEndpoint) => Promise<string>, more: Partial<JoinOptions> = {}) {
  const asked: string[] = [];
  const problems: string[] = [];
  const join = new Join({
    resolve: async () => ADDRESSES,
    problem: (text) => void problems.push(text),
    firstDelayMs: 1,
    request: async (endpoint, request) => {
      asked.push(endpoint.address);
      t.same([endpoint.host, request.token, request.authorities], ['api.example.org', identity.token, ca.crt]);
      return { certificate: await answer(endpoint), authorities: '' };
    },
    ...more,
  });
  const ask = (deadlineMs = 0) => join.certificate(identity, key, { signal: new AbortController().signal, deadlineMs });
  return { join, asked, problems, ask };
}

t.test('every endpoint is tried, and the first that answers is enough', async (t) => {
  const good = await certified();
  const { asked, problems, ask } = joining(async ({ address }) => {
    if (address === '10.5.0.3') return good;
    throw new TalosError('ERR_TRUST', 'connect ECONNREFUSED');
  });
  for (let round = 0; round < 10; round += 1) t.equal(await ask(), good);
  t.same(new Set(asked), new Set(ADDRESSES), 'in an order of chance: each had its turn');
  t.ok(asked.length < 30);
  t.same(problems, [], 'nothing that anybody has to know');
});

t.test('back-off: longer each time, with a part by chance, and for whoever asks next, too', async (t) => {
  const waits: number[] = [];
  let nowMs = 0;
  const { asked, problems, join } = joining(() => Promise.reject(new TalosError('ERR_TRUST', 'connect ECONNREFUSED')), {
    resolve: async () => ['10.5.0.2'],
    firstDelayMs: 8,
    random: () => 0,
    now: () => nowMs,
  });
  const stop = new AbortController();
  const waiting = join.certificate(identity, key, { signal: stop.signal, deadlineMs: 0 });
  const { nextRound } = { nextRound: () => Reflect.get(join, 'nextRoundMs') as number };
  for (let round = 1; round <= 5; round += 1) {
    while (asked.length < round || nextRound() <= nowMs) await new Promise((resolve) => setTimeout(resolve, 1));
    waits.push(nextRound() - nowMs);
    nowMs = nextRound();
  }
  t.same(waits, [4, 8, 16, 32, 64], 'half of 8, 16, 32 …');
  t.equal(problems.length, 1, 'the same reason is told once');
  stop.abort();
  await t.rejects(waiting, { name: 'ControlError', kind: 'UNAVAILABLE', message: /ECONNREFUSED/ });
});

t.test('as long as nobody listens, the next round is never far', async (t) => {
  const delays: number[] = [];
  let nowMs = 0;
  const stop = new AbortController();
  const { join } = joining(
    async () => {
      delays.push(Reflect.get(join, 'delayMs') as number);
      if (delays.length === 10) stop.abort();
      throw new TalosError(delays.length <= 5 ? 'ERR_TRUST_ABSENT' : 'ERR_TRUST', 'no');
    },
    // Whoever looks at this clock finds every wait over.
    { resolve: async () => ['10.5.0.2'], firstDelayMs: 500, now: () => (nowMs += HOUR_MS) },
  );
  await t.rejects(join.certificate(identity, key, { signal: stop.signal, deadlineMs: 0 }), {
    message: /no control plane has issued/,
  });
  t.same(delays, [0, 500, 1000, 2000, 2000, 2000, 4000, 8000, 16_000, 30_000], 'somebody who refuses is spared');
});

t.test('one control plane that listens is enough to be spared', async (t) => {
  const codes = new Map(ADDRESSES.map((address, index) => [address, index === 1 ? 'ERR_TRUST' : 'ERR_TRUST_ABSENT']));
  const { join, ask } = joining(({ address }) => Promise.reject(new TalosError(codes.get(address) ?? '', 'no')), {
    firstDelayMs: 10_000,
    random: () => 1,
    now: () => 0,
  });
  await t.rejects(ask(600), { message: /no control plane has issued/ });
  t.equal(Reflect.get(join, 'delayMs'), 10_000);
});

t.test('a port where nobody listens is told from a server that does not answer as it should', async (t) => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const asked = () =>
    requestCertificate(
      { host: '127.0.0.1', address: '127.0.0.1', port },
      { signingRequest: Buffer.from('a request'), token: identity.token, authorities: ca.crt },
      new AbortController().signal,
    );
  await t.rejects(asked(), { code: 'ERR_TRUST' });
  await new Promise((resolve) => server.close(resolve));
  await t.rejects(asked(), { code: 'ERR_TRUST_ABSENT', message: /ECONNREFUSED/ });
});

t.test('whoever loses patience is told why', async (t) => {
  const { ask, problems } = joining(() =>
    Promise.reject(new TalosError('ERR_TRUST_DENIED', 'it answered: the token is wrong')),
  );
  await t.rejects(ask(600), {
    kind: 'UNAVAILABLE',
    message: /10\.5\.0\.\d port 50001: it answered: the token is wrong \(machine\.token is not that of the cluster\)/,
  });
  t.equal(problems.length > 0, true);
  const nobody = joining(() => Promise.reject(new Error('never')), {
    resolve: () =>
      Promise.reject(new TalosError('ERR_RESOLVE', 'the name api.example.org cannot be resolved (ENOTFOUND)')),
  });
  await t.rejects(nobody.ask(600), { kind: 'UNAVAILABLE', message: /cannot be resolved/ });
});

t.test('a name that the config itself knows is not asked for', async (t) => {
  const entries = [
    { ip: '10.5.0.2', aliases: ['api.example.org'] },
    { ip: '10.5.0.3', aliases: ['api', 'api.example.org'] },
  ];
  const config = { machine: { network: { extraHostEntries: entries } } } as unknown as MachineConfig;
  const resolve = (name: string) => endpointAddresses(name, config, async () => []);
  const { ask, asked } = joining(async () => certified(), { resolve });
  t.ok(await ask());
  t.match(asked, [/^10\.5\.0\.[23]$/]);
  t.same(await resolve('api.example.org'), ['10.5.0.2', '10.5.0.3']);
  await t.rejects(resolve('other.example.org'), { code: 'ERR_RESOLVE', message: /nobody can be asked/ });
});

t.test('an answer that is not ours is none', async (t) => {
  const other = await createCertificateAuthority();
  const stranger = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
  for (const [certificate, why] of [
    ['hello', /it sent no certificate/],
    [await certified({ publicKeyDer: stranger }), /for another key/],
    [await certified({ ca: other }), /not valid here: unknown-authority/],
    [
      await certified({ now: Date.now() - 48 * 3_600_000, lifetimeMs: 1000 }).catch(() => ''),
      /it sent no certificate|expired/,
    ],
    [
      await issueClientCertificateFor({ ca, publicKeyDer: publicKey, roles: ['os:admin'] }),
      /not valid here: wrong-usage/,
    ],
  ] as const) {
    await t.rejects(joining(async () => certificate).ask(600), { kind: 'UNAVAILABLE', message: why });
  }
});
