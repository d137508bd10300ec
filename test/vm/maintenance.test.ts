/** A node without a config disk: one to which osctl brings a config, and one that fetches it. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { testArchitecture } from '../helpers/architecture.js';
import { currentContext, readConfigDisk } from '../helpers/credentials.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

const UUID = '4c4c4544-0042-3510-8052-b9c04f4e4d31';
/** Of the first card of a machine that is not told another. */
const QEMU_MAC = '52:54:00:12:34:56';

t.test('a node in maintenance mode takes a config from osctl', async (t) => {
  const node = await TestNode.createWaiting({ name: 'maintenance' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const { endpoint } = await currentContext(home);
  const file = join(home.folder, 'node.yaml');
  await writeFile(file, await readConfigDisk(node.state.configDisk));
  const insecure = (...words: string[]) => home.osctl(['-n', endpoint, ...words, '--insecure']);

  const { text } = await node.waitForConsole(/maintenance mode: this node has no machine config and takes one at/);
  const fingerprint = /--cert-fingerprint '([^']+)'/.exec(text)?.[1] ?? '';
  t.match(text, /osctl apply-config --insecure -n 10\.0\.2\.15/);

  await t.test('nobody else gets anything', async (t) => {
    t.not((await home.osctl(['version'])).code, 0, 'the client of the cluster does not know this authority');
    const other = Buffer.alloc(32).toString('base64');
    const wrong = await insecure('apply-config', '-f', file, '--cert-fingerprint', other);
    t.equal(wrong.code, 4, wrong.stderr);
    const bad = join(home.folder, 'bad.yaml');
    await writeFile(bad, (await readFile(file, 'utf8')).replace(/^machine:\n/m, 'machine:\n  colour: blue\n'));
    t.match((await insecure('apply-config', '-f', bad)).stderr, /line \d+: machine\.colour: unknown field/);
  });

  await t.test('with the config it is a node like others', async (t) => {
    const mark = node.consoleMark;
    const taken = await insecure('apply-config', '-f', file, '--cert-fingerprint', fingerprint);
    t.equal(taken.code, 0, taken.stderr);
    await node.waitForApi(mark);
    await home.succeed(['version']);
    const again = await insecure('apply-config', '-f', file);
    t.equal(again.code, 4, 'and lets nobody in without a certificate');
  });
});

t.test('talos.config= names a place that does not have the config at first', async (t) => {
  let config: string | undefined;
  const asked: (string | undefined)[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url);
    if (config === undefined) response.writeHead(404).end();
    else response.end(config);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  // Without UEFI QEMU's arm64 machine has no SMBIOS.
  const firmwareNames = testArchitecture === 'amd64' ? '&uuid=${uuid}&serial=${serial}' : '';
  const node = await TestNode.createWaiting({
    name: 'config-url',
    kernelArguments: `talos.config=http://10.0.2.2:${port}/node.yaml?token=s3cret&mac=\${mac}&name=\${hostname}${firmwareNames}`,
  });
  t.teardown(() => node[Symbol.asyncDispose]());
  // The network of a local node leads nowhere: this one is let out to the host.
  await node.cutPower((machine) => ({
    ...machine,
    argv: [
      ...machine.argv.map((word) => word.replace(',restrict=on', '')),
      '-smbios',
      `type=1,uuid=${UUID},serial=A/1`,
    ],
  }));
  await node.waitForConsole(/no config disk .* was found; it is fetched from http:\/\/10\.0\.2\.2:\d+\/node\.yaml/);
  await node.waitForConsole(/no machine config yet: .*the answer has status 404; it is tried again/);
  config = await readConfigDisk(node.state.configDisk);
  await node.waitForConsole(/the machine config was read from http:\/\/10\.0\.2\.2:\d+\/node\.yaml/);
  await node.waitForApi(0);
  await node.home.succeed(['version']);
  const name = encodeURIComponent(node.state.name);
  const known = node.arch === 'amd64' ? `&uuid=${UUID}&serial=A%2F1` : '';
  t.equal(asked[0], `/node.yaml?token=s3cret&mac=${encodeURIComponent(QEMU_MAC)}&name=${name}${known}`);
  const lines = node.console.lines.filter(({ text }) => /s3cret/.test(text));
  t.ok(
    lines.every(({ text }) => /command line/i.test(text)),
    'shown by nobody but the kernel',
  );
  t.notOk(
    node.console.lines.some(({ text }) => /maintenance mode/.test(text)),
    'and no door was opened',
  );
});
