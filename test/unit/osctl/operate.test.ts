/** The commands that operate a node, against a real gRPC server on this host. */
import { once } from 'node:events';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import t from 'tap';
import { parse } from 'yaml';
import { FakeNode, statusError } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

interface LogsRequest {
  id: string;
  follow: boolean;
  tailLines: number;
}

const timestamp = { seconds: Math.floor(Date.now() / 1000) - 5, nanos: 0 };

const handlers = (name: string) => ({
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

t.test('operating nodes', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({ handlers: handlers('node-1') });
  const config = await home.write('config', node.talosconfig());
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);

  await t.test('version', async (t) => {
    const { stdout, code } = await osctl('version');
    t.equal(code, 0);
    t.match(stdout, /^Client:\n {2}Tag: +v/);
    t.match(stdout, /Server:\n {2}Node: +127\.0\.0\.1:\d+ \(node-1\)\n {2}Tag: +v0\.1\.0\n/);
    t.match(stdout, /OS\/Arch: +linux\/amd64\n {2}Enabled: +RBAC\n$/);
    t.match((await osctl('version', '--short')).stdout, /^Client v\S+\nServer v0\.1\.0 \(127/);
    const client = await home.run('version', '--client', '-o', 'json');
    t.equal(client.code, 0, 'needs no config');
    t.same(Object.keys(JSON.parse(client.stdout)), ['client']);
  });

  await t.test('JSON and YAML, the flag before and after the command', async (t) => {
    for (const words of [
      ['-o', 'json', 'version'],
      ['version', '-o', 'json'],
      ['version', '--output=json'],
    ]) {
      const { server } = JSON.parse((await osctl(...words)).stdout);
      t.match(server, [{ hostname: 'node-1', tag: 'v0.1.0', os: 'linux', arch: 'amd64', rbac: true }]);
    }
    t.match((await osctl('ps', '-o', 'yaml')).stdout, /- node: .*\n {2}namespace: system\n/);
  });

  await t.test('ps', async (t) => {
    const { stdout } = await osctl('ps');
    const [header, first, second] = stdout.split('\n');
    t.match(header, /^NAMESPACE +ID +IMAGE +PID +STATUS$/);
    t.match(first, /^system +osd +\/sbin\/osd +42 +RUNNING$/);
    t.match(second, /odd\\x1b\[2J/, 'what a node says cannot drive the terminal');
    for (const alias of ['containers', 'c']) t.equal((await osctl(alias)).stdout, stdout);
    t.match((await osctl('ps', '-k')).stdout, /k8s\.io/);
  });

  await t.test('service', async (t) => {
    const list = (await osctl('service')).stdout;
    t.match(list, /^SERVICE +STATE +HEALTH +LAST CHANGE +LAST EVENT\nosd +Running +OK +\d+(\.\d)? s ago +started\n/);
    t.match(list, /crasher +Waiting +\?/);
    t.match(
      (await osctl('services', 'crasher')).stdout,
      /ID +crasher\nSTATE +Waiting\nHEALTH +\?\nLAST MESSAGE +giving up\n/,
    );
    t.match((await osctl('service', 'osd', 'status')).stdout, /EVENTS +\[Running\]: started \(/);
    t.match((await osctl('service', 'osd', 'restart')).stdout, /osd +osd restarted/);
    t.match(JSON.parse((await osctl('-o', 'json', 'service')).stdout), [
      { id: 'osd', state: 'Running', health: 'OK' },
      { id: 'crasher' },
    ]);
    const missing = await osctl('service', 'nothing');
    t.equal(missing.code, 1);
    t.match(missing.stderr, /NOT_FOUND: no service "nothing"; there are osd, crasher/);
  });

  await t.test('logs', async (t) => {
    t.equal((await osctl('logs', 'osd')).stdout, 'osd 1 tail=-1\nosd 2\nunfinished', 'bytes as they are');
    t.match((await osctl('logs', 'osd', '--tail', '3')).stdout, /tail=3/);
    t.match((await osctl('logs', '--tail', '0', 'osd')).stdout, /tail=0/);
    t.equal((await osctl('logs', 'osd', '--tail', 'x')).code, 2);
  });

  await t.test('logs -f of all services: a prefix a line, no line torn', async (t) => {
    const { stdout, code } = await osctl('logs', '-f');
    t.equal(code, 0);
    const lines = stdout.trimEnd().split('\n').sort();
    t.same(lines, [
      'init  init 1 tail=-1',
      'init  init 2',
      'init  unfinished',
      'osd   osd 1 tail=-1',
      'osd   osd 2',
      'osd   unfinished',
    ]);
  });

  await t.test('logs of several services', async (t) => {
    const { stdout, code } = await osctl('logs', 'osd', 'machined', 'osd', '--tail', '7');
    t.equal(code, 0);
    t.same(stdout.trimEnd().split('\n').sort(), [
      'machined  machined 1 tail=7',
      'machined  machined 2',
      'machined  unfinished',
      'osd       osd 1 tail=7',
      'osd       osd 2',
      'osd       unfinished',
    ]);
    const none = await osctl('logs');
    t.equal(none.code, 2);
    t.match(none.stderr, /name a service/);
  });

  await t.test('logs as data: an object a line', async (t) => {
    const { stdout } = await osctl('logs', 'osd', '-o', 'json');
    const lines = ['osd 1 tail=-1', 'osd 2', 'unfinished'].map((line) => ({
      node: node.endpoint,
      service: 'osd',
      line,
    }));
    t.same(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      lines,
    );
    t.same(parse((await osctl('logs', 'osd', '-o', 'yaml')).stdout), lines);
    t.equal((await osctl('logs', 'gap', '-o', 'json')).code, 5);
  });

  await t.test('a gap: said on stderr, exit code 5, the rest is there', async (t) => {
    const { stdout, stderr, code } = await osctl('logs', 'gap');
    t.equal(stdout, 'before\nafter\n');
    t.match(stderr, /gap: missed 7 records, 700 bytes/);
    t.equal(code, 5);
  });

  await t.test('raw bytes into a pipe', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', 'raw');
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    t.same(Buffer.concat(chunks), Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a]));
  });

  await t.test('50 MB: complete, and held back by a slow reader', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', 'large');
    let bytes = 0;
    // Without a listener nothing is read.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const [code] = await once(child, 'close');
    t.equal(code, 0);
    t.equal(bytes, 400 * 128 * 1024);
  });

  await t.test('a stream that breaks: what came is printed, exit code 3', async (t) => {
    const { stdout, stderr, code } = await osctl('logs', 'cut');
    t.equal(stdout, 'some\n');
    t.match(stderr, /UNAVAILABLE: the node is going down/);
    t.equal(code, 3);
  });

  await t.test('a reader that goes away is no error', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', 'large');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'close');
    t.equal(code, 0);
    t.equal(stderr, '');
  });

  await t.test('Ctrl-C ends a follower, and the call on the node', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', '-f', 'endless');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [code, signal] = await once(child, 'close');
    t.ok(code === null && signal === 'SIGINT');
  });

  await t.test('dmesg', async (t) => {
    const two = 'kern: warning: [2026]: two\n  more of it\n';
    const three = 'user:    info: [2026]: three\u001b[2J\n';
    t.equal((await osctl('dmesg')).stdout, `kern:    info: [2026]: one\n${two}${three}`);
    t.equal((await osctl('dmesg', '--tail', '1')).stdout, three);
    t.equal((await osctl('dmesg', '--tail', '0')).stdout, '');
    t.equal((await osctl('dmesg', '-f', '--tail')).code, 0);
    t.match(await osctl('dmesg', '-f', '--tail', '1'), { code: 0, stdout: three, stderr: '' });
    t.equal((await osctl('dmesg', '--level', 'warning')).stdout, two, 'that level and worse');
    t.equal((await osctl('dmesg', '--level', 'info,debug', '--facility', 'user')).stdout, three);
    t.equal((await osctl('dmesg', '--level', 'crit')).stdout, '');
    t.equal(
      (await osctl('dmesg', '--facility', 'kern', '--tail', '2')).stdout,
      two,
      'the last of those that are wanted',
    );
    const wrong = await osctl('dmesg', '--level', 'loud');
    t.equal(wrong.code, 2);
    t.match(wrong.stderr, /^osctl: "loud" is no level; there are emerg, alert, /);
  });

  await t.test('dmesg as data', async (t) => {
    const records = [
      { node: node.endpoint, time: '2026', facility: 'kern', level: 'info', message: 'one' },
      { node: node.endpoint, time: '2026', facility: 'kern', level: 'warning', message: 'two' },
      { node: node.endpoint, message: '  more of it' },
      { node: node.endpoint, time: '2026', facility: 'user', level: 'info', message: 'three\u001b[2J' },
    ];
    const json = (await osctl('dmesg', '-o', 'json')).stdout;
    t.same(
      json
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      records,
    );
    t.same(parse((await osctl('dmesg', '-o', 'yaml')).stdout), records);
    t.same(parse((await osctl('dmesg', '-o', 'yaml', '--tail', '2')).stdout), records.slice(2));
  });

  await t.test('dmesg: a gap is said on stderr, exit code 5', async (t) => {
    const { stdout, stderr, code } = await osctl('dmesg', '-f', '--facility', 'kern');
    t.match(stdout, /one\n.*two\n/);
    t.match(stderr, /^osctl: 127\.0\.0\.1:\d+: missed 4 records\n$/);
    t.equal(code, 5);
  });
});

t.test('several nodes', async (t) => {
  const home = await OsctlHome.create();
  const one = await FakeNode.start({ handlers: handlers('one') });
  // On an address of its own, so that it can be named without its port.
  const two = await FakeNode.start({ handlers: handlers('two'), secrets: one.secrets });
  t.teardown(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const endpoints = [one.endpoint, two.endpoint];
  const config = await home.write('config', one.talosconfig({ endpoints, nodes: endpoints }));
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);

  await t.test('a NODE column, each node asked over its own endpoint', async (t) => {
    const { stdout } = await osctl('ps');
    t.match(stdout, /^NODE +NAMESPACE +ID/);
    for (const endpoint of endpoints) t.match(stdout, new RegExp(`^${endpoint} +system +osd`, 'm'));
    const { server } = JSON.parse((await osctl('-o', 'json', 'version')).stdout) as {
      server: { node: string; hostname: string }[];
    };
    t.same(
      server.map(({ hostname }) => hostname),
      ['one', 'two'],
    );
  });

  await t.test('logs: a prefix with the node', async (t) => {
    const { stdout } = await osctl('logs', 'osd');
    for (const endpoint of endpoints) t.match(stdout, new RegExp(`^${endpoint}  osd 1`, 'm'));
  });

  await t.test('one of them is gone: the others answer, its failure is named, exit code 3', async (t) => {
    await two[Symbol.asyncDispose]();
    const { stdout, stderr, code } = await osctl('ps', '-n', one.endpoint, '-n', 'elsewhere:1', '-e', one.endpoint);
    t.equal(code, 0, stderr);
    t.match(stdout, /elsewhere/, 'the endpoint is asked for nodes that are no endpoints');
    const failed = await osctl('version', '-e', two.endpoint);
    t.equal(failed.code, 3);
    t.match(failed.stderr, new RegExp(`${one.endpoint}: cannot reach ${two.endpoint}: connection refused`));
  });

  await t.test('an endpoint that is gone is passed over', async (t) => {
    for (let count = 0; count < 2; count++) {
      const { code, stdout } = await osctl(
        '-e',
        `${two.endpoint},${one.endpoint}`,
        '-n',
        'some-node',
        'version',
        '--short',
      );
      t.equal(code, 0);
      t.match(stdout, /Server v0\.1\.0 \(some-node\)/);
    }
  });
});
