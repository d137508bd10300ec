/** The client against real gRPC servers: metadata, deadlines, streams, failures and their kinds. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Metadata, status } from '@grpc/grpc-js';
import t from 'tap';
import { HOUR_MS } from '../../../lib/base/units.js';
import { formatEndpoint, parseEndpoint } from '../../../lib/client/endpoint.js';
import { fromStatus } from '../../../lib/client/errors.js';
import { ClientError, MachineClient, MachineService, onlyMessage } from '../../../lib/client/index.js';
import { endpointsFor } from '../../../lib/client/route.js';
import { createCertificateAuthority, issueClientCertificate } from '../../../lib/pki/index.js';
import { closedPort, FakeNode, rawListener, statusError } from './fake-node.js';

t.setTimeout(60_000);

const version = (tag: string) => () => ({ messages: [{ metadata: { hostname: tag }, version: { tag } }] });

async function failure(promise: Promise<unknown>): Promise<ClientError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

t.test('endpoints', async (t) => {
  t.same(parseEndpoint('host'), { host: 'host', port: 50000 });
  t.same(parseEndpoint('10.0.0.1:1234'), { host: '10.0.0.1', port: 1234 });
  t.same(parseEndpoint('2001:db8::1'), { host: '2001:db8::1', port: 50000 });
  t.same(parseEndpoint('[2001:db8::1]:7'), { host: '2001:db8::1', port: 7 });
  t.equal(formatEndpoint({ host: '::1', port: 50000 }), '[::1]:50000');
  for (const text of ['', ':1', 'a:b', 'a:0', 'a:70000', '[a]:1', 'http://a', 'a b', '[::1', 'a:1:2']) {
    t.throws(() => parseEndpoint(text), { code: 'ERR_ENDPOINT' }, text);
  }
});

t.test('the way to a node', async (t) => {
  const [plain, first, second, six] = ['host', '127.0.0.1:50001', '127.0.0.1:50002', '[2001:db8::1]:7'].map(
    parseEndpoint,
  );
  const endpoints = [plain, first, second, six] as ReturnType<typeof parseEndpoint>[];
  const ways = (node: string) => endpointsFor(node, endpoints);
  for (const node of ['host', 'host:50000']) t.same(ways(node), [plain], node);
  t.same(ways('127.0.0.1:50002'), [second]);
  for (const node of ['2001:db8::1', '[2001:db8::1]:7']) t.same(ways(node), [six], node);
  for (const node of ['10.0.0.7', 'other', '2001:db8::2']) t.same(ways(node), endpoints, `${node} is left to all`);
  for (const node of ['host:1', '127.0.0.1:50000', '10.0.0.7:50000', '[2001:db8::1]:8']) {
    t.throws(
      () => ways(node),
      { code: 'ERR_NODE', message: /is none of the endpoints: host:50000, 127\.0\.0\.1:50001/ },
      node,
    );
  }
  t.throws(() => ways('127.0.0.1'), {
    message: '127.0.0.1 is the address of several endpoints: 127.0.0.1:50001, 127.0.0.1:50002',
  });
});

t.test('statuses and what they mean', async (t) => {
  const kinds = {
    [status.UNAVAILABLE]: 'unreachable',
    [status.DEADLINE_EXCEEDED]: 'unreachable',
    [status.PERMISSION_DENIED]: 'denied',
    [status.UNAUTHENTICATED]: 'denied',
    [status.DATA_LOSS]: 'data-lost',
    [status.NOT_FOUND]: 'failed',
  };
  for (const [code, kind] of Object.entries(kinds)) t.equal(fromStatus(Number(code), 'text', 'e').kind, kind);
  const error = fromStatus(status.NOT_FOUND, 'no such\n thing \u001b[2J', 'e');
  t.equal(error.message, 'NOT_FOUND: no such thing ?[2J', 'one harmless line');
  t.equal(error.code, 'NOT_FOUND');
});

t.test('calls', async (t) => {
  const seen: Metadata[] = [];
  const node = await FakeNode.start({
    handlers: {
      Version: (_request, call) => {
        seen.push(call.metadata);
        return version('one')();
      },
      Containers: () => delay(5000),
      ServiceList: () => ({
        messages: [{ metadata: { hostname: 'x', error: 'broken', status: { code: 5, message: 'not here' } } }],
      }),
      Hostname: () => ({ messages: [] }),
      LogsContainers: () => ({ messages: [] }),
      Reboot: () => {
        throw statusError(status.PERMISSION_DENIED, 'no');
      },
    },
  });
  const client = new MachineClient({ endpoints: [node.endpoint], credentials: node.credentials, timeoutMs: 3000 });
  t.teardown(async () => {
    client.close();
    await node[Symbol.asyncDispose]();
  });

  await t.test('the node travels as metadata, and only if there is one', async (t) => {
    const reply = await client.unary(MachineService.Version, {}, { node: '10.0.0.7', metadata: { 'x-other': '1' } });
    t.equal(onlyMessage(reply, 'x').version?.tag, 'one');
    t.same(seen[0]?.get('node'), ['10.0.0.7']);
    t.same(seen[0]?.get('x-other'), ['1']);
    await client.unary(MachineService.Version, {});
    t.same(seen[1]?.get('node'), []);
  });

  await t.test('no warning of Node about server names', async (t) => {
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const other = new MachineClient({ endpoints: [node.endpoint], credentials: node.credentials });
    await other.unary(MachineService.Version, {});
    other.close();
    await delay(10);
    t.same(warnings, []);
  });

  await t.test('an answer that does not come', async (t) => {
    const begin = performance.now();
    const error = await failure(client.unary(MachineService.Containers, {}, { timeoutMs: 200 }));
    t.equal(error.kind, 'unreachable');
    t.match(error.message, /did not answer in time/);
    t.ok(performance.now() - begin < 2000);
  });

  await t.test('a failure that a forwarding endpoint put into the reply', async (t) => {
    const reply = await client.unary(MachineService.ServiceList, {});
    t.throws(() => onlyMessage(reply, 'n'), { message: 'NOT_FOUND: not here', kind: 'failed' });
    t.throws(() => onlyMessage({ messages: [] }, 'n'), { message: /empty reply/ });
  });

  await t.test('patience without an end, as of 1000 hours, which is more than a timer takes', async (t) => {
    const patient = new MachineClient({
      endpoints: [node.endpoint],
      credentials: node.credentials,
      timeoutMs: 1000 * HOUR_MS,
    });
    t.teardown(() => patient.close());
    t.ok(onlyMessage(await patient.unary(MachineService.Version, {}), 'node'));
    const options = { timeoutMs: 1000 * HOUR_MS };
    t.ok(onlyMessage(await patient.unary(MachineService.Version, {}, options), 'node'));
  });

  await t.test('abort', async (t) => {
    const controller = new AbortController();
    const call = client.unary(MachineService.Containers, {}, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await t.rejects(call, { message: 'enough' });
  });

  await t.test('denied by role, and not served', async (t) => {
    t.equal((await failure(client.unary(MachineService.Reboot, {}))).kind, 'denied');
    t.equal((await failure(client.unary(MachineService.Shutdown, {}))).status, status.UNIMPLEMENTED);
  });
});

t.test('streams', async (t) => {
  let written = 0;
  let isCancelled = false;
  const total = 2000;
  const node = await FakeNode.start({
    handlers: {
      Logs: async (_request, call) => {
        call.on('cancelled', () => {
          isCancelled = true;
        });
        const cancelled = once(call, 'cancelled');
        for (written = 0; written < total && !isCancelled; written++) {
          if (!call.write({ bytes: Buffer.alloc(64 * 1024) })) await Promise.race([once(call, 'drain'), cancelled]);
        }
      },
    },
  });
  const client = new MachineClient({ endpoints: [node.endpoint], credentials: node.credentials });
  t.teardown(async () => {
    client.close();
    await node[Symbol.asyncDispose]();
  });

  await t.test('all of it, in order', async (t) => {
    let bytes = 0;
    for await (const batch of client.stream(MachineService.Logs, { id: 'x' })) {
      for (const message of batch) bytes += message.bytes?.length ?? 0;
    }
    t.equal(bytes, total * 64 * 1024);
  });

  await t.test('a slow reader holds the node back; leaving the loop cancels the call', async (t) => {
    for await (const _batch of client.stream(MachineService.Logs, { id: 'x' })) {
      await delay(700);
      // The windows of the connection and some buffers on the way: far less than the whole.
      t.ok(written < total * 0.6, `${written} of ${total} written while the reader slept`);
      break;
    }
    while (!isCancelled) await delay(10);
    t.ok(isCancelled);
  });
});

t.test('connections', async (t) => {
  const one = await FakeNode.start({ handlers: { Version: version('one') } });
  const two = await FakeNode.start({ handlers: { Version: version('two') }, secrets: one.secrets });
  t.teardown(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
  });
  const ask = async (client: MachineClient, node?: string) =>
    onlyMessage(await client.unary(MachineService.Version, {}, { node }), 'x').version?.tag;

  await t.test('endpoints take turns; a node that is one is asked itself', async (t) => {
    const client = new MachineClient({ endpoints: [one.endpoint, two.endpoint], credentials: one.credentials });
    t.teardown(() => client.close());
    t.same([await ask(client), await ask(client), await ask(client)], ['one', 'two', 'one']);
    for (let count = 0; count < 3; count++) t.equal(await ask(client, two.endpoint), 'two');
    t.same([await ask(client, 'worker'), await ask(client, 'worker')], ['one', 'two'], 'one that is none goes by any');
    t.throws(() => client.checkNode('127.0.0.1'), { code: 'ERR_NODE' }, 'which of the two');
    t.throws(() => client.checkNode('127.0.0.1:1'), { code: 'ERR_NODE' }, 'a port that is no endpoint');
    await t.rejects(ask(client, '127.0.0.1:1'), { code: 'ERR_NODE' });
  });

  await t.test('the dead are passed over; if all are dead each is named', async (t) => {
    const [dead, deader] = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${await closedPort()}`];
    const client = new MachineClient({ endpoints: [dead, one.endpoint], credentials: one.credentials });
    t.equal((await failure(ask(client, dead))).kind, 'unreachable', 'nobody answers for a node that is an endpoint');
    t.teardown(() => client.close());
    t.same([await ask(client), await ask(client)], ['one', 'one']);
    const none = new MachineClient({ endpoints: [dead, deader], credentials: one.credentials });
    const error = await failure(ask(none));
    t.equal(error.kind, 'unreachable');
    t.match(error.message, new RegExp(`${dead}: connection refused; .*${deader}: connection refused`));
  });

  await t.test('lost() tells when the connection ends', async (t) => {
    const three = await FakeNode.start({ handlers: { Version: version('three') }, secrets: one.secrets });
    const client = new MachineClient({ endpoints: [three.endpoint], credentials: one.credentials });
    t.teardown(() => client.close());
    await ask(client);
    let isLost = false;
    const lost = client.lost().then(() => {
      isLost = true;
    });
    await delay(100);
    t.notOk(isLost);
    await three[Symbol.asyncDispose]();
    await lost;
    t.ok(isLost);
  });

  await t.test('whoever is no longer wanted does not go on connecting', async (t) => {
    const heard: (() => void)[] = [];
    const silent = await rawListener(() => heard.shift()?.());
    t.teardown(silent.close);
    const contact = () => new Promise<void>((resolve) => heard.push(resolve));
    const toSilence = () =>
      new MachineClient({
        endpoints: [`127.0.0.1:${silent.port}`],
        credentials: one.credentials,
        timeoutMs: 3_600_000,
      });

    const stop = new AbortController();
    const aborted = toSilence();
    const trying = contact();
    const asked = aborted.unary(MachineService.Version, {}, { signal: stop.signal });
    const followed = aborted.stream(MachineService.Events, {}, { signal: stop.signal }).next();
    await trying;
    stop.abort(new Error('enough'));
    await Promise.all([t.rejects(asked, { message: 'enough' }), t.rejects(followed, { message: 'enough' })]);
    aborted.close();

    const closed = toSilence();
    const [again, waiting] = [contact(), failure(ask(closed))];
    await again;
    closed.close();
    t.match(await waiting, { kind: 'failed', status: status.CANCELLED });
    t.match(await failure(ask(closed)), { kind: 'failed', status: status.CANCELLED }, 'nothing after the end');
  });

  await t.test('a client that was closed too early makes no call', async (t) => {
    const client = new MachineClient({ endpoints: [one.endpoint, two.endpoint], credentials: one.credentials });
    t.teardown(() => client.close());
    const [asked, followed] = [failure(ask(client)), failure(client.stream(MachineService.Events, {}).next())];
    client.close();
    for (const error of await Promise.all([asked, followed])) {
      t.match(error, { kind: 'failed', status: status.CANCELLED });
    }
  });

  await t.test('kinds of refusal', async (t) => {
    const stranger = await createCertificateAuthority();
    const foreign = await issueClientCertificate({ ca: stranger, roles: ['os:admin'] });
    const kind = async (endpoint: string, credentials = one.credentials) => {
      const client = new MachineClient({ endpoints: [endpoint], credentials, timeoutMs: 1500 });
      const error = await failure(ask(client));
      client.close();
      return error.kind;
    };
    t.equal(await kind(one.endpoint, one.credentialsFor(foreign)), 'denied', 'they do not know us');
    t.equal(await kind(one.endpoint, one.credentialsFor(one.admin, stranger.crt)), 'denied', 'we do not know them');
    const silent = await rawListener(() => {});
    const closing = await rawListener((socket) => socket.destroy());
    t.teardown(() => {
      silent.close();
      closing.close();
    });
    t.equal(await kind(`127.0.0.1:${silent.port}`), 'unreachable', 'silence');
    t.equal(await kind(`127.0.0.1:${closing.port}`), 'unreachable', 'closed at once');
    t.throws(
      () => new MachineClient({ endpoints: [], credentials: { ca: '', crt: '', key: '' } }),
      /no client certificate/,
    );
  });
});
