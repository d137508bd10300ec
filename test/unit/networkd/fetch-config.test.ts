/** Fetching a config from real servers of this machine, most of which do not mean well. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import t, { type Test } from 'tap';
import { fetchConfig } from '../../../lib/networkd/config/fetch-config.js';
import { createCertificateAuthority, issueServerCertificate, publicKeyDer } from '../../../lib/pki/index.js';
import { generatePrivateKey } from '../../../lib/pki/keys.js';

const MIB = 1024 * 1024;

const options = { resolve: async () => ['127.0.0.1'], signal: new AbortController().signal, deadlineMs: 5000 };

async function listening(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (t: Test, listener: RequestListener) => listening(t, createServer(listener));

t.test('a config, by address and by name, with a password', async (t) => {
  const asked: { url: string | undefined; password: string | undefined; encoding: unknown }[] = [];
  const place = await serve(t, ({ url, headers }, response) => {
    asked.push({ url, password: headers.authorization, encoding: headers['accept-encoding'] });
    response.end('version: v1alpha1\n');
  });
  const port = place.split(':')[1];
  t.equal(await fetchConfig(`http://user:hunter2@${place}/node?token=1`, options), 'version: v1alpha1\n');
  const basic = `Basic ${Buffer.from('user:hunter2').toString('base64')}`;
  t.same(asked, [{ url: '/node?token=1', password: basic, encoding: 'identity' }]);
  const names: string[] = [];
  const resolve = async (name: string) => {
    names.push(name);
    return ['127.0.0.1'];
  };
  t.ok(await fetchConfig(`http://config.example.org:${port}/`, { ...options, resolve }));
  t.same(names, ['config.example.org'], 'names are asked of the name servers of the node');
});

t.test('what strangers answer', async (t) => {
  const answers: Record<string, { listener: RequestListener; why: RegExp }> = {
    'not found': { listener: (_, response) => response.writeHead(404).end('no'), why: /the answer has status 404$/ },
    'partial content': { listener: (_, response) => response.writeHead(206).end('a: 1'), why: /has status 206$/ },
    'said to be huge': {
      listener: (_, response) => response.writeHead(200, { 'content-length': String(MIB + 1) }).write('a'),
      why: /it is larger than 1 MiB/,
    },
    'huge, and nobody says so': {
      listener: (_, response) => {
        const more = (): void => {
          while (response.write(Buffer.alloc(64 * 1024, 'a')));
        };
        response.on('drain', more);
        more();
      },
      why: /it is larger than 1 MiB/,
    },
    truncated: {
      listener: (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('version: v1alpha1\n', () => response.destroy());
      },
      why: /the connection was cut|it ends before its end/,
    },
    'truncated between chunks': {
      listener: (_, response) => response.write('version: v1alpha1\n', () => response.destroy()),
      why: /the connection was cut|it ends before its end/,
    },
    compressed: {
      listener: (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('a'),
      why: /the answer is compressed/,
    },
    empty: { listener: (_, response) => response.end(), why: /it is empty/ },
    'no text': {
      listener: (_, response) => response.end(Buffer.from([0xff, 0xfe, 0])),
      why: /it is not text in UTF-8/,
    },
    'large headers': {
      listener: (_, response) => response.writeHead(200, { x: 'y'.repeat(20_000) }).end('a'),
      why: /its headers are larger than 16 KiB/,
    },
    'a loop': {
      listener: ({ url }, response) => response.writeHead(302, { location: `${url}/token=s3cret` }).end(),
      why: /more than 5 redirects/,
    },
    'a redirect to nowhere': { listener: (_, response) => response.writeHead(301).end(), why: /redirects to nowhere/ },
    'a redirect to a file': {
      listener: (_, response) => response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
      why: /redirects to another protocol/,
    },
    'a redirect to no URL': {
      listener: (_, response) => response.writeHead(301, { location: 'http://[s3cret' }).end(),
      why: /redirects to what is no URL/,
    },
  };
  for (const [name, { listener, why }] of Object.entries(answers)) {
    await t.test(name, async (t) => {
      const place = await serve(t, listener);
      const error = await fetchConfig(`http://user:hunter2@${place}/node?token=1`, options).catch((e) => e);
      t.equal(error.name, 'FetchFailed');
      t.match(error.message, why);
      if (!name.includes('loop')) t.match(error.message, `http://${place}/node`);
      t.notMatch(error.message, /hunter2|\?token/, 'nothing secret');
    });
  }
});

t.test('slow ones, and silent ones', async (t) => {
  const dripping = await serve(t, (_, response) => {
    const timer = setInterval(() => response.write('#'), 20);
    response.on('close', () => clearInterval(timer));
  });
  await t.rejects(fetchConfig(`http://${dripping}/`, { ...options, deadlineMs: 500 }), /did not come within 0\.5 s/);
  const silent = createTcpServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  await t.rejects(fetchConfig(`http://127.0.0.1:${port}/`, { ...options, deadlineMs: 300 }), /did not come within/);
  await t.rejects(fetchConfig(`https://127.0.0.1:${port}/`, { ...options, deadlineMs: 300 }), /did not come within/);
  const stop = new AbortController();
  const stopped = fetchConfig(`http://127.0.0.1:${port}/`, { ...options, signal: stop.signal });
  stop.abort(new Error('another document'));
  await t.rejects(stopped, /another document/);
  const babbling = createTcpServer((socket) => socket.end('SSH-2.0-hunter2\r\n'));
  babbling.listen(0, '127.0.0.1');
  await once(babbling, 'listening');
  t.teardown(() => babbling.close());
  const other = (babbling.address() as AddressInfo).port;
  await t.rejects(fetchConfig(`http://127.0.0.1:${other}/`, options), /does not speak HTTP/);
});

t.test('nobody there', async (t) => {
  const place = await serve(t, () => {});
  const gone = createTcpServer();
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  await t.rejects(fetchConfig(`http://127.0.0.1:${port}/`, options), /nobody listens there/);
  const resolve = async () => Promise.reject(Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' }));
  await t.rejects(fetchConfig('http://no.example.org/', { ...options, resolve }), /its name is not known/);
  await t.rejects(fetchConfig('http://no.example.org/', { ...options, resolve: async () => [] }), /has no address/);
  t.ok(place);
});

t.test('redirects: followed, and a password stays with whom it was meant for', async (t) => {
  const seen: (string | undefined)[] = [];
  const target = await serve(t, ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end('there');
  });
  const first = await serve(t, ({ url, headers }, response) => {
    seen.push(headers.authorization === undefined ? undefined : 'password');
    response.writeHead(307, { location: url === '/here' ? '/again' : `http://${target}/` }).end();
  });
  t.equal(await fetchConfig(`http://user:hunter2@${first}/here`, options), 'there');
  t.same(seen, ['password', 'password', undefined]);
});

t.test('TLS: the authority, the name and the time of a certificate count', async (t) => {
  const ca = await createCertificateAuthority();
  const tls = async (names: string[], listener: RequestListener = (_, response) => void response.end('safe')) => {
    const key = await generatePrivateKey('ecdsa-p256');
    const cert = await issueServerCertificate({
      ca,
      publicKeyDer: publicKeyDer(key),
      dnsNames: names,
      ipAddresses: [],
      lifetimeMs: 3_600_000,
    });
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    return await listening(t, createTlsServer({ key: pem, cert }, listener) as unknown as Server);
  };
  const place = await tls(['config.example.org']);
  const url = `https://config.example.org:${place.split(':')[1]}/`;
  t.equal(await fetchConfig(url, { ...options, ca: ca.crt }), 'safe');
  await t.rejects(fetchConfig(url, options), /its certificate is of no authority that this node knows/);
  const wrong = `https://other.example.org:${place.split(':')[1]}/`;
  await t.rejects(fetchConfig(wrong, { ...options, ca: ca.crt }), /its certificate is for another name/);
  const plain = await serve(t, (_, response) => void response.end('read by everybody'));
  const down = await tls(['config.example.org'], (_, response) =>
    response.writeHead(302, { location: `http://${plain}/` }).end(),
  );
  const downgraded = fetchConfig(`https://config.example.org:${down.split(':')[1]}/`, { ...options, ca: ca.crt });
  await t.rejects(downgraded, /it redirects from https to http/);
});
