/** Who is not let in: the API of a booted node, seen from outside. */
import { type ConnectionOptions, connect } from 'node:tls';
import t from 'tap';
import { createCertificateAuthority, issueClientCertificate } from '../../lib/pki/index.js';
import { clusterAuthority, currentContext, tlsOptions, writeClientConfig } from '../helpers/credentials.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(180));

const minute = 60_000;

/** What became of a TLS connection: 'open' if the server has answered in HTTP/2, else how it was refused. */
async function attempt(endpoint: string, options: ConnectionOptions): Promise<string> {
  const [host, port] = [
    endpoint.slice(0, endpoint.lastIndexOf(':')),
    Number(endpoint.slice(endpoint.lastIndexOf(':') + 1)),
  ];
  const socket = connect({ host, port, ALPNProtocols: ['h2'], ...options });
  const outcome = new Promise<string>((resolve) => {
    // A TLS 1.3 client is done before the server has looked at its certificate: only the server's first frame tells.
    socket.once('data', () => resolve('open'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  return within(seconds(20), `TLS to ${endpoint}`, outcome).finally(() => socket.destroy());
}

t.test('the front door of the API', async (t) => {
  const node = await TestNode.create({ name: 'refuse', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const { endpoint, ca, client } = await currentContext(home);
  const authority = await clusterAuthority(node.state.configDisk);
  const stranger = await createCertificateAuthority();

  await t.test('TLS', async (t) => {
    const good = { ca, ...tlsOptions(client) };
    t.equal(await attempt(endpoint, good), 'open', 'the administrator gets in, so the refusals below mean something');
    t.not(await attempt(endpoint, { ca }), 'open', 'no certificate');
    t.not(await attempt(endpoint, { ...good, maxVersion: 'TLSv1.2' }), 'open', 'TLS 1.2');
    const foreign = await issueClientCertificate({ ca: stranger, roles: ['os:admin'] });
    t.not(await attempt(endpoint, { ca, ...tlsOptions(foreign) }), 'open', 'a foreign authority');
  });

  await t.test('osctl says that it was denied: exit code 4, one line', async (t) => {
    const fifty = { now: Date.now() - 50 * minute, lifetimeMs: 10 * minute };
    const cases = {
      foreign: await issueClientCertificate({ ca: stranger, roles: ['os:admin'] }),
      expired: await issueClientCertificate({ ca: authority, roles: ['os:admin'], ...fifty }),
    };
    for (const [name, pair] of Object.entries(cases)) {
      const config = await writeClientConfig(home, name, { client: pair });
      const answer = await home.osctl(['--talosconfig', config, 'version']);
      t.equal(answer.code, 4, `${name}: ${answer.stderr}`);
      t.equal(answer.stdout, '');
      t.match(answer.stderr, /^osctl: [^\n]+\n( {2}hint: [^\n]+\n)?$/);
    }
  });

  await t.test('a server that is none of ours is not talked to', async (t) => {
    const config = await writeClientConfig(home, 'other-ca', { ca: stranger.crt });
    const answer = await home.osctl(['--talosconfig', config, 'version']);
    t.equal(answer.code, 4, answer.stderr);
  });

  await t.test('roles: a reader reads and does not reboot', async (t) => {
    const reader = await issueClientCertificate({ ca: authority, roles: ['os:reader'] });
    const config = await writeClientConfig(home, 'reader', { client: reader });
    t.equal((await home.osctl(['--talosconfig', config, 'version'])).code, 0);
    const refused = await home.osctl(['--talosconfig', config, 'reboot']);
    t.equal(refused.code, 4, refused.stderr);
  });

  await t.test('nobody listens: exit code 3, one line', async (t) => {
    const config = await writeClientConfig(home, 'nobody', { endpoint: '127.0.0.1:1' });
    const answer = await home.osctl(['--talosconfig', config, 'version']);
    t.equal(answer.code, 3, answer.stderr);
    t.match(answer.stderr, /^osctl: [^\n]+\n( {2}hint: [^\n]+\n)?$/);
  });
});
