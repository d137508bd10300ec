/** The commands that show figures, against a real gRPC server on this host. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { machine, osd } from '../../../lib/gen/machine/machine.js';
import { type SocketFlags, socketRequest } from '../../../lib/osctl/socket-view.js';
import { FakeNode, statusError } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const PROCESSES: machine.ProcessInfo.$Properties[] = [
  { pid: 2, state: 'S', threads: 1, command: 'kthreadd' },
  {
    ...{ pid: 1, state: 'S', threads: 13, cpuTime: 3.675, virtualMemory: 1_959_841_792, residentMemory: 57_901_056 },
    ...{ command: 'MainThread', executable: '/usr/bin/talos', args: '/sbin/init' },
  },
  {
    ...{ pid: 70, ppid: 1, state: 'R', threads: 2, cpuTime: 9, residentMemory: 999_600, label: 'system_u' },
    ...{ command: 'sleep', executable: '/bin/sleep', args: 'sleep \u001b[2J 5' },
  },
];

const SOCKETS: machine.ConnectRecord.$Properties[] = [
  {
    ...{ l4proto: 'tcp6', localip: '::', localport: 50_000, remoteip: '::', state: 10, uid: 50, inode: 116 },
    process: { pid: 65, name: 'osd' },
  },
  {
    ...{ l4proto: 'tcp', localip: '10.0.0.1', localport: 22, remoteip: '10.0.0.2', remoteport: 54_321, state: 1 },
    ...{ txqueue: 42, rxqueue: 7, tr: 2, timerwhen: 12_345, retrnsmt: 3, timeout: 1 },
  },
  { l4proto: 'udp', localip: '127.0.0.1', localport: 123, remoteip: '0.0.0.0', state: 7 },
];

const asked: machine.NetstatRequest.$Properties[] = [];
const restarted: machine.RestartRequest.$Properties[] = [];

const handlers = {
  Stats: ({ namespace }: { namespace: string }) => ({
    messages: [
      {
        stats:
          namespace === 'k8s.io'
            ? []
            : [{ namespace, id: 'osd', podId: 'osd', name: 'osd', memoryUsage: 27_371_520, cpuUsage: 1_723_000_000 }],
      },
    ],
  }),
  Restart: (request: machine.RestartRequest.$Properties) => {
    if (request.id === 'nothing') throw statusError(status.NOT_FOUND, 'no service "nothing"; there are init, osd');
    restarted.push(request);
    return { messages: [{}] };
  },
  Processes: () => ({ messages: [{ processes: PROCESSES }] }),
  Memory: () => ({
    messages: [
      {
        meminfo: {
          ...{ memtotal: 2_042_836, memfree: 1_791_416, memavailable: 1_802_628, buffers: 800, cached: 141_328 },
          ...{ shmem: 69_368, hugepagestotal: 4, hugepagesize: 2048 },
        },
      },
    ],
  }),
  Mounts: () => ({
    messages: [
      {
        stats: [
          { filesystem: 'proc', mountedOn: '/proc' },
          { filesystem: '/dev/vda1', size: 4_000_000_000, available: 1_000_000_000, mountedOn: '/with space' },
        ],
      },
    ],
  }),
  Disks: () => ({
    messages: [
      {
        disks: [
          {
            ...{ size: 4_194_304, deviceName: '/dev/vda', name: 'vda', serial: 'talosconfig', type: 2, readonly: true },
            ...{ busPath: '/pci0000:00/virtio2', subsystem: '/sys/class/block', modalias: 'virtio:d2' },
          },
          { size: 1.92e12, deviceName: '/dev/nvme0n1', name: 'nvme0n1', model: 'FAST ONE', type: 3, systemDisk: true },
        ],
      },
    ],
  }),
  Interfaces: () => ({
    messages: [
      {
        interfaces: [
          {
            ...{ index: 2, name: 'eth0', hardwareAddress: '52:54:00:00:00:01', mtu: 1500, up: true, carrier: true },
            addresses: [
              { address: '10.0.2.15/24', scope: 'global', source: 'dhcp', validSeconds: 86_000 },
              { address: 'fd00::1/64', scope: 'global', source: 'ra', flags: ['tentative', 'noprefixroute'] },
              { address: '192.0.2.9/24', scope: 'global' },
            ],
          },
          { index: 3, name: 'veth0', kind: 'veth', mtu: 1400, master: 'br0', up: true },
        ],
      },
    ],
  }),
  Routes: (request: osd.RoutesRequest.$Properties) => {
    asked.push(request);
    const [gateway, other] = ['10.0.2.2', '10.0.2.3'];
    const nextHops = [gateway, other].map((hop) => ({ gateway: hop, interface: 'eth0', weight: 1 }));
    const main = { table: 254, type: 'unicast' };
    return {
      messages: [
        {
          routes: [
            { ...main, destination: 'default', gateway, interface: 'eth0', metric: 1024, protocol: 'dhcp' },
            { ...main, destination: '192.0.2.0/24', nextHops, protocol: 'config', source: '10.0.2.15' },
          ],
        },
      ],
    };
  },
  Netstat: (request: machine.NetstatRequest.$Properties) => {
    asked.push(request);
    return { messages: [{ connectrecord: SOCKETS }] };
  },
};

t.test('figures of a node', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({ handlers });
  const config = await home.write('config', node.talosconfig());
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);
  const lines = async (...words: string[]) => {
    const { code, stdout, stderr } = await osctl(...words);
    t.equal(code, 0, stderr);
    t.equal(stderr, '');
    return stdout.split('\n');
  };
  const json = async (...words: string[]) => JSON.parse((await osctl('-o', 'json', ...words)).stdout);

  await t.test('stats', async (t) => {
    t.strictSame(await lines('stats'), [
      'NAMESPACE   ID    MEMORY(MB)   CPU',
      'system      osd   27.37        1.72 s',
      '',
    ]);
    t.strictSame(await lines('stats', '-k'), ['NAMESPACE   ID   MEMORY(MB)   CPU', '']);
    t.strictSame(await json('stats'), [
      {
        node: node.endpoint,
        ...{
          namespace: 'system',
          id: 'osd',
          memoryUsage: 27_371_520,
          cpuUsage: 1_723_000_000,
          podId: 'osd',
          name: 'osd',
        },
      },
    ]);
  });

  await t.test('restart', async (t) => {
    const { code, stdout, stderr } = await osctl('restart', 'osd');
    t.strictSame([code, stdout], [0, '']);
    t.equal(stderr, `${node.endpoint}: osd is being restarted\n`);
    t.strictSame(await json('restart', 'pod', '-k'), [{ node: node.endpoint, namespace: 'k8s.io', id: 'pod' }]);
    t.match(restarted, [
      { namespace: 'system', id: 'osd' },
      { namespace: 'k8s.io', id: 'pod', driver: 1 },
    ]);
    const missing = await osctl('restart', 'nothing');
    t.equal(missing.code, 1);
    t.match(missing.stderr, /NOT_FOUND: no service "nothing"; there are init, osd/);
  });

  await t.test('processes', async (t) => {
    t.strictSame(await lines('processes'), [
      'PID   STATE   THREADS   CPU-TIME   VIRTMEM   RESMEM   LABEL      COMMAND',
      '1     S       13        3.67       2.0 GB    58 MB    -          /sbin/init',
      '70    R       2         9.00       0 B       1.0 MB   system_u   /bin/sleep \\x1b[2J 5',
      '2     S       1         0.00       0 B       0 B      -          [kthreadd]',
      '',
    ]);
    const byTime = (await json('p', '--sort', 'cpu')) as { pid: number }[];
    t.strictSame(
      byTime.map(({ pid }) => pid),
      [70, 1, 2],
    );
    t.match(byTime[2], { node: node.endpoint, pid: 2, ppid: 0, cpuTime: 0, args: '', label: '' });
  });

  await t.test('processes, watched until it is interrupted', async (t) => {
    const child = home.start('--talosconfig', config, 'processes', '-w');
    let text = '';
    const twice = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        text += chunk;
        if (text.split('PID ').length > 2) resolve();
      });
    });
    await twice;
    child.kill('SIGINT');
    t.strictSame(await once(child, 'close'), [null, 'SIGINT']);
    t.notOk(text.includes('\u001b'), 'no terminal, no cursor to be moved');
  });

  await t.test('memory', async (t) => {
    const table = await lines('memory');
    t.strictSame(table, [
      'TOTAL   USED   FREE   SHARED   BUFFERS   CACHE   AVAILABLE',
      '1994    106    1749   67       0         138     1760',
      '',
    ]);
    t.strictSame(await lines('free'), table);
    const all = await lines('memory', '-v');
    t.equal(all.length, 50);
    t.match(all[1], /^memtotal +2042836 kB$/);
    t.ok(all.some((line) => /^hugepagestotal +4$/.test(line)));
    t.ok(all.some((line) => /^hugepagesize +2048 kB$/.test(line)));
    t.match(await json('memory'), [{ node: node.endpoint, memtotal: 2_042_836, swaptotal: 0 }]);
  });

  await t.test('mounts', async (t) => {
    const table = await lines('mounts');
    t.strictSame(table, [
      'FILESYSTEM   SIZE(GB)   USED(GB)   AVAILABLE(GB)   PERCENT USED   MOUNTED ON',
      'proc         0.00       0.00       0.00            0.00%          /proc',
      '/dev/vda1    4.00       3.00       1.00            75.00%         /with space',
      '',
    ]);
    t.strictSame(await lines('mount'), table);
  });

  await t.test('disks', async (t) => {
    const [header = '', first = '', second = ''] = await lines('disks');
    t.match(
      header,
      /^DEV +MODEL +SERIAL +TYPE +UUID +WWID +MODALIAS +NAME +SIZE +BUS_PATH +SUBSYSTEM +READ_ONLY +SYSTEM/,
    );
    t.match(
      first,
      /^\/dev\/vda +- +talosconfig +HDD +- +- +virtio:d2 +vda +4\.2 MB +\/pci\S+ +\/sys\/class\/block +\*$/,
    );
    t.match(second, /^\/dev\/nvme0n1 +FAST ONE +- +NVME +- +- +- +nvme0n1 +1\.9 TB +- +- +\*$/);
    t.match(await json('disks'), [
      { type: 'HDD', readonly: true, systemDisk: false },
      { type: 'NVME', model: 'FAST ONE' },
    ]);
  });

  await t.test('interfaces and routes', async (t) => {
    t.strictSame(await lines('interfaces'), [
      'INTERFACE   STATE        MAC                 MTU    KIND   MASTER   ADDRESSES',
      'eth0        up           52:54:00:00:00:01   1500   -      -        10.0.2.15/24 (dhcp) fd00::1/64 (ra, tentative) 192.0.2.9/24',
      'veth0       no carrier   -                   1400   veth   br0      -',
      '',
    ]);
    t.match(await json('interfaces'), [{ name: 'eth0', addresses: [{ validSeconds: 86_000 }, {}, {}] }, {}]);
    t.strictSame(await lines('routes'), [
      'DESTINATION    GATEWAY             INTERFACE   SOURCE      METRIC   PROTOCOL',
      'default        10.0.2.2            eth0        -           1024     dhcp',
      '192.0.2.0/24   10.0.2.2 10.0.2.3   eth0 eth0   10.0.2.15   0        config',
      '',
    ]);
    t.match(asked.at(-1), { all: false });
    t.match((await lines('routes', '--all')).slice(0, 2), [/PROTOCOL +TYPE +TABLE$/, /dhcp +unicast +254$/]);
    t.match(asked.at(-1), { all: true });
  });

  await t.test('netstat', async (t) => {
    t.strictSame(await lines('netstat'), [
      'Proto   Recv-Q   Send-Q   Local Address   Foreign Address   State',
      'tcp6    0        0        [::]:50000      [::]:*            LISTEN',
      'tcp     7        42       10.0.0.1:22     10.0.0.2:54321    ESTABLISHED',
      'udp     0        0        127.0.0.1:123   0.0.0.0:*',
      '',
    ]);
    const both = { tcp: true, tcp6: true, udp: true, udp6: true };
    t.match(asked.at(-1), { filter: 1, feature: { pid: false }, l4proto: both, netns: { hostnetwork: true } });
    t.notOk(asked.at(-1)?.l4proto?.raw);

    const [header = '', first = '', second = ''] = await lines('ss', '-alpxo');
    t.match(header, /State +Uid +Inode +PID\/Program name +Timer$/);
    t.match(first, /LISTEN +50 +116 +65\/osd +off \(0\.00\/0\/0\)$/);
    t.match(second, /ESTABLISHED +0 +0 +- +keepalive \(123\.45\/3\/1\)$/);
    t.match(asked.at(-1), { filter: 0, feature: { pid: true } });

    const views = JSON.parse((await osctl('netstat', '--output', 'json')).stdout);
    t.match(views[0], { node: node.endpoint, l4proto: 'tcp6', state: 'LISTEN', tr: 'off', process: { name: 'osd' } });
    t.equal(views[1].process, null);
  });

  await t.test('several nodes: a column, and both in JSON', async (t) => {
    const nodes = ['-n', 'one,two'];
    const [header = '', ...rows] = (await osctl('mounts', ...nodes)).stdout.trimEnd().split('\n');
    t.match(header, /^NODE +FILESYSTEM/);
    t.match(rows[0], /^one +proc/);
    t.match(rows.at(-1), /^two +\/dev/);
    t.match(await json('memory', ...nodes), [{ node: 'one' }, { node: 'two' }]);
    t.match((await osctl('memory', '-v', ...nodes)).stdout, /^NODE +one\n[\s\S]*\n\nNODE +two\n/);
  });
});

t.test('usage', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const codes = await Promise.all(
    [['restart'], ['processes', '--sort', 'name'], ['netstat', 'nonsense'], ['memory', '-o', 'text']].map(
      async (words) => (await home.run(...words)).code,
    ),
  );
  t.strictSame(codes, [2, 2, 2, 2]);
});

t.test('which sockets are asked for', async (t) => {
  const protocols = (flags: SocketFlags) => {
    const { l4proto } = socketRequest(flags);
    return Object.entries(l4proto).flatMap(([name, isWanted]) => (isWanted ? name : []));
  };
  t.strictSame(protocols({ listening: true }), ['tcp', 'tcp6', 'udp', 'udp6']);
  t.equal(socketRequest({ listening: true }).filter, 2);
  t.equal(socketRequest({ listening: true, all: true }).filter, 0);
  t.strictSame(protocols({ tcp: true, ipv4: true }), ['tcp']);
  t.strictSame(protocols({ udp: true, raw: true, ipv6: true }), ['udp6', 'raw6']);
  t.strictSame(protocols({ udplite: true, ipv4: true, ipv6: true }), ['udplite', 'udplite6']);
  t.equal(protocols({ verbose: true }).length, 8);
});

t.test('a node that does not serve it', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start();
  const config = await home.write('config', node.talosconfig());
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const { code, stdout, stderr } = await home.run('--talosconfig', config, 'disks');
  t.strictSame([code, stdout], [1, '']);
  t.match(stderr, /UNIMPLEMENTED: this node does not serve Disks/);
});
