/** The commands that show and change what a node runs, of one node and of several. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { kubeconfigOf } from '../../../lib/kube/kubeconfig.js';
import { closedPort, FakeNode } from '../client/fake-node.js';
import { sendsKubeconfig } from './kubeconfig-node.js';
import { handlers, operatingNode } from './operating-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const KUBERNETES = { server: 'https://10.0.2.15:6443', ca: 'ca', user: 'admin', client: { crt: 'crt', key: 'key' } };

t.test('operating a node', async (t) => {
  const { home, osctl } = await operatingNode(t);

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

  await t.test('a node that is named twice is asked once', async (t) => {
    const { stdout } = await osctl('-n', `${one.endpoint},${one.endpoint}`, '-o', 'json', 'version');
    t.equal([JSON.parse(stdout).server].flat().length, 1);
  });

  await t.test('logs: a prefix with the node', async (t) => {
    const { stdout } = await osctl('logs', 'osd');
    for (const endpoint of endpoints) t.match(stdout, new RegExp(`^${endpoint}  osd 1`, 'm'));
  });

  await t.test('one of them is gone: the others answer, its failure is named, exit code 3', async (t) => {
    await two[Symbol.asyncDispose]();
    const { stdout, stderr, code } = await osctl('ps', '-n', one.endpoint, '-n', 'elsewhere', '-e', one.endpoint);
    t.equal(code, 0, stderr);
    t.match(stdout, /elsewhere/, 'the endpoint is asked for nodes that are no endpoints');
    const failed = await osctl('version');
    t.equal(failed.code, 3);
    const service = await osctl('service', 'osd', '-o', 'json');
    t.equal(service.code, 3);
    t.match(JSON.parse(service.stdout), [{ id: 'osd' }], 'a list, as when both answer');
    t.match(JSON.parse((await osctl('service', 'osd', '-o', 'json', '-n', one.endpoint)).stdout), { id: 'osd' });
    t.match(failed.stdout, /Server:\n.*\(one\)/);
    t.match(
      failed.stderr,
      new RegExp(`^osctl: ${two.endpoint}: cannot reach ${two.endpoint}: connection refused$`, 'm'),
    );
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

t.test('several endpoints and no node', async (t) => {
  const home = await OsctlHome.create();
  const ordered: string[] = [];
  const made = async (name: string, secrets?: FakeNode['secrets']) =>
    FakeNode.start({
      ...(secrets && { secrets }),
      handlers: {
        ...handlers(name),
        Reboot: () => {
          ordered.push(name);
          return { messages: [{ actorId: 'x' }] };
        },
        Kubeconfig: sendsKubeconfig(() => kubeconfigOf({ ...KUBERNETES, clusterName: 'lab' })),
        GenerateClientConfiguration: () => ({ messages: [{ talosconfig: Buffer.from(one.talosconfig()) }] }),
      },
    });
  const one: FakeNode = await made('one');
  const two = await made('two', one.secrets);
  t.teardown(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const endpoints = [`127.0.0.1:${await closedPort()}`, one.endpoint, two.endpoint];
  const config = await home.write('config', one.talosconfig({ endpoints }));
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);

  await t.test('no command guesses which is meant', async (t) => {
    for (const words of [['reboot'], ['reboot', '--no-wait'], ['ps'], ['service', 'osd', 'restart'], ['version']]) {
      const { code, stdout, stderr } = await osctl(...words);
      t.equal(code, 2, words.join(' '));
      t.equal(stdout, '');
      t.match(stderr, `osctl: no node is named, and there are several endpoints: ${endpoints.join(', ')}\n`);
    }
    t.same(ordered, []);
    t.match((await osctl('config', 'info')).stdout, /Nodes: +none: commands need --nodes/);
  });

  await t.test('one that is named is the one that is asked', async (t) => {
    const { code, stderr } = await osctl('reboot', '--no-wait', '-n', two.endpoint);
    t.equal(code, 0, stderr);
    t.same(ordered, ['two']);
  });

  await t.test('what any of them answers alike comes from the first that does', async (t) => {
    t.match(await osctl('kubeconfig', '-'), { code: 0, stdout: /name: lab/ });
    t.match(await osctl('config', 'new', 'mine'), { code: 0 });
    t.match(await readFile(home.path('mine'), 'utf8'), new RegExp(`- ${two.endpoint}`), 'which knows all of them');
    t.match(await osctl('config', 'new', 'for-two', '-n', two.endpoint), { code: 0 });
    const { code, stdout } = await home.run('--talosconfig', home.path('for-two'), 'version', '--short');
    t.equal(code, 0, 'the node that was meant is meant by the new one');
    t.match(stdout, `(${two.endpoint})`);
  });
});
