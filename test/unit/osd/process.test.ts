/** The whole of osd as a process, with the addon's channels and rings between it and a test that plays init and machined. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { HOUR_MS, MIB } from '../../../lib/base/units.js';
import { ControlError } from '../../../lib/control/errors.js';
import { ControlServer, type ServerConnection } from '../../../lib/control/server.js';
import type { common } from '../../../lib/gen/machine/machine.js';
import type { FileDescriptor, LogRing, RingSubscription } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';
import { issueServerCertificate } from '../../../lib/pki/issue.js';
import { Authority } from './support/authority.js';
import { SERVICES } from './support/fake-init.js';
import { ApiClient, rejection, until } from './support/rig.js';

t.setTimeout(60_000);
const native = loadNative();
const text = (items: common.Data[]) => items.map((item) => Buffer.from(item.bytes).toString()).join('');

/** Plays init and machined for one osd. */
class Node {
  readonly ring: LogRing = native.ring.create({ name: 'chatty', sizeBytes: MIB });
  readonly subscriptions = new Map<number, RingSubscription>();
  readonly powerRequests: unknown[] = [];
  port = 0;
  output = '';
  hasConfig = false;

  private constructor(
    readonly authority: Authority,
    readonly child: ChildProcess,
    readonly connection: ServerConnection,
  ) {}

  static async start(): Promise<Node> {
    const authority = await Authority.create();
    const [ours, theirs] = native.channel.pair();
    const number = theirs.releaseNumber();
    const script = join(import.meta.dirname, 'support/osd-process.js');
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit', number] });
    native.descriptor.adopt(number).close();
    let node: Node;
    const server = Node.server(() => node, authority);
    node = new Node(authority, child, server.accept(ours, 'osd'));
    child.stdout?.on('data', (chunk: Buffer) => {
      node.output += chunk.toString();
    });
    return node;
  }

  private static server(node: () => Node, authority: Authority): ControlServer {
    const log = (line: string) => t.comment(line);
    const machined = new ControlServer({
      channels: native.channel,
      log,
      allow: { issueCertificate: ['osd'] },
      handlers: {
        issueCertificate: async ({ publicKey }) => {
          if (!node().hasConfig) throw new ControlError('UNAVAILABLE', 'there is no config yet');
          const certificate = await issueServerCertificate({
            ca: authority.pair,
            publicKeyDer: publicKey,
            dnsNames: ['localhost'],
            ipAddresses: ['127.0.0.1'],
          });
          const body = {
            certificate: Buffer.from(certificate),
            acceptedCas: Buffer.from(authority.certificate),
            notAfterMs: Date.now() + HOUR_MS,
          };
          return { body };
        },
      },
    });
    const methods = ['connect', 'reportListening', 'listServices', 'openLog', 'closeLog', 'power'] as const;
    return new ControlServer({
      channels: native.channel,
      log,
      allow: Object.fromEntries(methods.map((method) => [method, ['osd']])),
      handlers: {
        connect: () => {
          const [theirs, ours] = native.channel.pair();
          machined.accept(ours, 'osd');
          return { body: {}, descriptors: [theirs] };
        },
        reportListening: ({ port }) => {
          node().port = port;
          return { body: {} };
        },
        listServices: () => ({ body: { services: SERVICES } }),
        openLog: ({ follow }) => node().openLog(follow),
        closeLog: ({ subscription }) => {
          node().subscriptions.get(subscription)?.end();
          node().subscriptions.delete(subscription);
          return { body: {} };
        },
        power: (request) => {
          node().powerRequests.push(request);
          return { body: {} };
        },
      },
    });
  }

  async client(roles: string[]): Promise<ApiClient> {
    await until(() => this.port !== 0, 'osd listens', 20_000);
    return new ApiClient(this.port, this.authority.certificate, await this.authority.client(roles), {});
  }

  private openLog(follow: boolean): { body: { subscription: number }; descriptors: FileDescriptor[] } {
    const subscription = this.ring.subscribe();
    if (!follow) {
      subscription.end();
      subscription.doorbell.close();
      return { body: { subscription: 0 }, descriptors: [subscription.memory] };
    }
    const id = this.subscriptions.size + 1;
    this.subscriptions.set(id, subscription);
    return { body: { subscription: id }, descriptors: [subscription.memory, subscription.doorbell] };
  }
}

t.test('from its start to its end', async (t) => {
  const node = await Node.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  await until(
    () => node.output.includes('no certificate yet: there is no config yet'),
    'it says what it waits for',
    20_000,
  );
  node.hasConfig = true;
  const client = await node.client(['os:operator']);
  t.match(await client.unary('Version', {}), { messages: [{ version: { os: 'linux' } }] });

  node.ring.write('one\ntwo\nthree\n');
  const log = { namespace: 'system', id: 'osd' };
  t.equal(text(await client.collect('Logs', { ...log, tailLines: -1 })), 'one\ntwo\nthree\n', 'the ring');
  t.equal(text(await client.collect('Logs', { ...log, tailLines: 1 })), 'three\n', 'its end');

  const items: common.Data[] = [];
  const call = client.stream('Logs', { ...log, follow: true, tailLines: 0 });
  call.on('error', () => {}).on('data', (item: common.Data) => items.push(item));
  await new Promise((resolve) => call.once('metadata', resolve));
  const latencies: number[] = [];
  for (let at = 0; at < 50; at += 1) {
    const startedMs = performance.now();
    node.ring.write(`line ${at}\n`);
    await until(() => text(items).endsWith(`line ${at}\n`), 'the line came');
    latencies.push(performance.now() - startedMs);
  }
  latencies.sort((left, right) => left - right);
  t.ok(
    (latencies[25] ?? Number.POSITIVE_INFINITY) < 200,
    `half of the lines came within ${latencies[25]?.toFixed(1)} ms`,
  );
  call.cancel();
  await until(() => node.subscriptions.size === 0, 'the subscription was ended');

  t.match(await client.unary('Reboot', {}), { messages: [{ actorId: /-/ }] });
  t.match(node.powerRequests, [{ action: 'REBOOT', force: false, reason: /^reboot over the API by / }]);

  const follow = rejection(client.collect('Logs', { ...log, follow: true }));
  await until(() => node.subscriptions.size === 1, 'it follows');
  node.connection.sendEvent({ kind: 'shuttingDown' });
  t.match(await follow, { code: status.UNAVAILABLE, details: 'the node is going down' });
  client.grpc.close();
  const [code] = await once(node.child, 'exit');
  t.equal(code, 0);
});

t.test('a reader that cannot keep up: bounded, and every line is there or counted', async (t) => {
  const node = await Node.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  node.hasConfig = true;
  const client = await node.client(['os:reader']);
  const call = client.stream('Logs', { namespace: 'system', id: 'osd', follow: true, tailLines: -1 });
  call.on('error', () => {});
  call.pause();
  await once(call, 'metadata');
  const lines = 40_000;
  for (let at = 0; at < lines; at += 1000) {
    let block = '';
    for (let line = at; line < at + 1000; line += 1) block += `${String(line).padStart(9, '0')}${'x'.repeat(490)}\n`;
    node.ring.write(block);
    await new Promise((resolve) => setImmediate(resolve));
  }
  let next = 0;
  let missed = 0;
  let isInOrder = true;
  call.on('data', (item: common.Data) => {
    const records = Number(/^missed (\d+) records/.exec(item.metadata?.error ?? '')?.[1] ?? 0);
    missed += records;
    next += records;
    for (const row of Buffer.from(item.bytes).toString().split('\n').slice(0, -1)) {
      if (Number(row.slice(0, 9)) !== next) isInOrder = false;
      next += 1;
    }
  });
  call.resume();
  await until(() => next === lines, 'all is accounted for', 20_000);
  t.ok(isInOrder, `in order; ${missed} of ${lines} missed`);
  call.cancel();
  client.grpc.close();
});

t.test('SIGTERM ends it, with a certificate or without', async (t) => {
  const waiting = await Node.start();
  await until(() => waiting.output !== '', 'it waits for a certificate', 20_000);
  waiting.child.kill('SIGTERM');
  t.strictSame(await once(waiting.child, 'exit'), [0, null]);

  const serving = await Node.start();
  serving.hasConfig = true;
  const client = await serving.client(['os:reader']);
  await client.unary('Version', {});
  serving.child.kill('SIGTERM');
  t.strictSame(await once(serving.child, 'exit'), [0, null]);
  t.match(serving.output, /listening on .* port \d+\n[\s\S]*stopping: SIGTERM/);
  client.grpc.close();
});

t.test('without init there is no osd', async (t) => {
  const node = await Node.start();
  await until(() => node.output !== '', 'it has started', 20_000);
  node.connection.close();
  const [code] = await once(node.child, 'exit');
  t.equal(code, 1);
  t.match(node.output, /the control connection is gone/);
});
