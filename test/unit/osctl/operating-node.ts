/** What a node answers to the commands that operate one, for a real gRPC server on this host. */
import { once } from 'node:events';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { FakeNode, statusError } from '../client/fake-node.js';
import { OsctlHome, type Outcome } from './osctl-child.js';

interface LogsRequest {
  id: string;
  follow: boolean;
  tailLines: number;
}

const timestamp = { seconds: Math.floor(Date.now() / 1000) - 5, nanos: 0 };

/** @param name  its host name */
export const handlers = (name: string) => ({
  Version: () => ({
    messages: [
      {
        metadata: { hostname: name },
        version: {
          tag: 'v0.1.0',
          sha: 'abc',
          built: '2026-01-01T00:00:00Z',
          goVersion: 'node v26',
          os: 'linux',
          arch: 'amd64',
        },
        features: { rbac: true },
      },
    ],
  }),
  Containers: ({ namespace }: { namespace: string }) => ({
    messages: [
      {
        containers: [
          { namespace, id: 'osd', image: '/sbin/osd', pid: 42, status: 'RUNNING' },
          { namespace, id: 'odd\u001b[2J', image: '', pid: 0, status: 'FINISHED' },
        ],
      },
    ],
  }),
  ServiceList: () => ({
    messages: [
      {
        services: [
          {
            id: 'osd',
            state: 'Running',
            health: { unknown: false, healthy: true, lastMessage: '', lastChange: timestamp },
            events: { events: [{ msg: 'started', state: 'Running', ts: timestamp }] },
          },
          {
            id: 'crasher',
            state: 'Waiting',
            health: { unknown: true, healthy: false, lastMessage: 'giving up', lastChange: timestamp },
          },
        ],
      },
    ],
  }),
  ServiceRestart: ({ id }: { id: string }) => ({ messages: [{ resp: `${id} restarted` }] }),
  LogsContainers: () => ({ messages: [{ ids: ['init', 'osd'] }] }),
  Logs: async (request: LogsRequest, call: ServerWritableStream<LogsRequest, unknown>) => {
    if (request.id === 'gap') {
      call.write({ metadata: { hostname: name }, bytes: Buffer.from('before\n') });
      call.write({ metadata: { hostname: name, error: 'missed 7 records, 700 bytes' } });
      call.write({ metadata: { hostname: name }, bytes: Buffer.from('after\n') });
    } else if (request.id === 'raw') {
      call.write({ bytes: Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a]) });
    } else if (request.id === 'large') {
      for (let count = 0; count < 400; count++) {
        if (!call.write({ bytes: Buffer.alloc(128 * 1024, count & 0x7f) })) await once(call, 'drain');
      }
    } else if (request.id === 'ticking') {
      const timer = setInterval(() => call.write({ bytes: Buffer.from('tick\n') }), 20);
      await once(call, 'cancelled');
      clearInterval(timer);
    } else if (request.id === 'cut') {
      call.write({ bytes: Buffer.from('some\n') });
      throw statusError(status.UNAVAILABLE, 'the node is going down');
    } else {
      call.write({ bytes: Buffer.from(`${request.id} 1 tail=${request.tailLines}\n${request.id} `) });
      call.write({ bytes: Buffer.from('2\nunfinished') });
      if (request.follow && request.id === 'endless') await once(call, 'cancelled');
    }
  },
  Dmesg: (request: { follow: boolean; tail: boolean }, call: ServerWritableStream<unknown, unknown>) => {
    const write = (text: string) => call.write({ metadata: { hostname: name }, bytes: Buffer.from(text) });
    write('kern:    info: [2026]: one\n');
    if (request.follow && !request.tail) call.write({ metadata: { hostname: name, error: 'missed 4 records' } });
    // A record a message or several, and ends of messages where no line ends: all of these are allowed.
    write('kern: warning: [2026]: two\n  more of it\nuser:    in');
    write('fo: [2026]: three\u001b[2J\n');
  },
});

/** One such node, and osctl with a client config for it. */
export async function operatingNode(t: Test): Promise<{
  home: OsctlHome;
  node: FakeNode;
  /** Path of the client config. */
  config: string;
  osctl(...words: string[]): Promise<Outcome>;
}> {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({ handlers: handlers('node-1') });
  const config = await home.write('config', node.talosconfig());
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  return { home, node, config, osctl: (...words) => home.run('--talosconfig', config, ...words) };
}
