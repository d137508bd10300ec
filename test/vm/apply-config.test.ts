/** A machine config over the API: what changes at once, what with a reboot, and who is let in afterwards. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import t from 'tap';
import { parseDocument } from 'yaml';
import { parseEndpoint } from '../../lib/client/endpoint.js';
import { createCertificateAuthority, issueClientCertificate } from '../../lib/pki/index.js';
import { currentContext, readConfigDisk, tlsOptions, writeClientConfig } from '../helpers/credentials.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(360));

/** Twice what fits one message; a whole megabyte takes an emulated node 10 s (test/unit/machined/apply-over-api.test.ts has one). */
const LARGE_BYTES = 128 * 1024;

/** The certificate that the node shows. */
async function shown(node: TestNode): Promise<PeerCertificate> {
  const { endpoint, ca, client } = await currentContext(node.home);
  const { host, port } = parseEndpoint(endpoint);
  const socket = connect({
    host,
    port,
    ca,
    ...tlsOptions(client),
    ALPNProtocols: ['h2'],
    servername: 'node',
    checkServerIdentity: () => undefined,
  });
  try {
    const handshake = new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    await within(seconds(10), 'a handshake', handshake);
    return socket.getPeerCertificate();
  } finally {
    socket.destroy();
  }
}

t.test('apply-config', async (t) => {
  const node = await TestNode.create({ name: 'apply', layer: 'test', flags: ['--disk-size', '0'] });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const original = await readConfigDisk(node.state.configDisk);
  const file = join(home.folder, 'new.yaml');
  const edit = async (changes: [(string | number)[], unknown][]) => {
    const document = parseDocument(original);
    for (const [path, value] of changes) document.setIn(path, value);
    await writeFile(file, document.toString());
    return document.toString();
  };
  const osdLog = home.stream('logs', '-f', 'osd');
  t.teardown(() => osdLog.stop());
  const renewals = () => osdLog.lines.filter(({ text }) => /renewed the certificate/.test(text)).length;
  const renewedAfter = (count: number) => osdLog.until(seconds(30), 'another certificate', () => renewals() > count);

  const other = await createCertificateAuthority();
  const second = await writeClientConfig(home, 'second', {
    client: await issueClientCertificate({ ca: other, roles: ['os:reader'] }),
  });
  const base64 = Buffer.from(other.crt).toString('base64');

  await t.test('a client config for a reader, and a kubeconfig', async (t) => {
    const reader = join(home.folder, 'reader.talosconfig');
    await home.succeed(['config', 'new', '--roles', 'os:reader', '--crt-ttl', '1h', reader]);
    t.equal((await home.osctl(['--talosconfig', reader, 'ps'])).code, 0);
    t.match((await home.osctl(['--talosconfig', reader, 'reboot'])).stderr, /PERMISSION_DENIED: Reboot needs/);
    const { stdout } = await home.succeed(['kubeconfig', '-']);
    t.match(stdout, /^current-context: admin@apply$/m);
  });

  await t.test('a dry run shows the changes and makes none', async (t) => {
    await edit([[['machine', 'network', 'hostname'], 'renamed']]);
    const { stdout } = await home.succeed(['apply-config', '-f', file, '--dry-run']);
    t.match(stdout, /nothing was changed; without it: applied without a reboot/);
    t.match(stdout, /^\+ +hostname: renamed$/m);
    t.equal(await readConfigDisk(node.state.configDisk), original);
    t.notMatch((await shown(node)).subjectaltname, /renamed/);
  });

  await t.test('a name, an alternative name and a further authority, without a reboot', async (t) => {
    t.equal((await home.osctl(['--talosconfig', second, 'version'])).code, 4, 'not let in yet');
    const text = await edit([
      [['machine', 'network', 'hostname'], 'renamed'],
      [
        ['machine', 'certSANs'],
        ['api.example.org', '192.0.2.77'],
      ],
      [['machine', 'acceptedCAs'], [{ crt: base64 }]],
    ]);
    const { stdout } = await home.succeed(['apply-config', '-f', file]);
    t.equal(stdout, 'applied without a reboot\n');
    await renewedAfter(0);
    const { subjectaltname } = await shown(node);
    for (const name of ['DNS:renamed', 'DNS:api.example.org', 'IP Address:192.0.2.77']) t.match(subjectaltname, name);
    t.equal(await readConfigDisk(node.state.configDisk), text, 'stored on the config disk');
    t.equal((await home.osctl(['--talosconfig', second, 'version'])).code, 0, 'the other authority counts');
  });

  await t.test('machined that is killed goes on with the running config', async (t) => {
    const mark = node.consoleMark;
    const before = renewals();
    await home.succeed(['service', 'fault-kill-machined', 'start']);
    await node.waitForConsole(/machine config was read from the memory of this boot/, { after: mark });
    await renewedAfter(before);
    t.match((await shown(node)).subjectaltname, 'DNS:renamed');
  });

  await t.test('a try is taken back', async (t) => {
    const mark = node.consoleMark;
    const before = renewals();
    await edit([
      [['machine', 'network', 'hostname'], 'tried'],
      [['machine', 'acceptedCAs'], [{ crt: base64 }]],
    ]);
    await home.succeed(['apply-config', '-f', file, '-m', 'try', '--timeout', '5s']);
    await renewedAfter(before);
    t.match((await shown(node)).subjectaltname, 'DNS:tried');
    await node.waitForConsole(/the machine config that was tried is taken back/, { after: mark });
    await renewedAfter(before + 1);
    t.match((await shown(node)).subjectaltname, 'DNS:renamed');
  });

  await t.test('clients of an authority that is removed are cut, others stay', async (t) => {
    const theirs = home.stream('--talosconfig', second, 'dmesg', '-f');
    t.teardown(() => theirs.stop());
    await theirs.until(seconds(20), 'the kernel log', (lines) => lines.length > 0);
    const text = await edit([[['machine', 'network', 'hostname'], 'renamed']]);
    await home.succeed(['apply-config', '-f', file, '-m', 'no-reboot']);
    await t.rejects(
      theirs.until(seconds(30), 'its end', () => false),
      /osctl ended with 3|osctl ended with 4/,
    );
    t.equal((await home.osctl(['--talosconfig', second, 'version'])).code, 4);
    await osdLog.until(seconds(10), 'the reason in the log', (lines) =>
      lines.some(({ text: line }) => /closed the connection of .*:/.test(line)),
    );
    t.equal(await readConfigDisk(node.state.configDisk), text);
  });

  await t.test('what is wrong with a config is said with its place; nothing changes', async (t) => {
    await edit([[['machine', 'colour'], 'blue']]);
    const answer = await home.osctl(['apply-config', '-f', file]);
    t.equal(answer.code, 1);
    t.match(answer.stderr, /line \d+: machine\.colour: unknown field/);
    t.notMatch(answer.stderr, /blue/);
  });

  await t.test('a config that is larger than a message between processes', async (t) => {
    const comment = '# a comment that makes the config long\n';
    const text = comment.repeat(Math.floor((LARGE_BYTES - original.length) / comment.length)) + original;
    await writeFile(file, text);
    await home.succeed(['apply-config', '-f', file]);
    t.ok((await readConfigDisk(node.state.configDisk)) === text);
  });

  await t.test('what needs a reboot: refused, or stored and rebooted', async (t) => {
    await edit([
      [['machine', 'token'], 'aaaaaa.0123456789abcdef'],
      [['machine', 'network', 'hostname'], 'again'],
    ]);
    const refused = await home.osctl(['apply-config', '-f', file, '-m', 'no-reboot']);
    t.equal(refused.code, 1);
    t.match(refused.stderr, /need a reboot: machine\.token; apply the config with mode auto, reboot or staged/);
    const mark = node.consoleMark;
    const { stdout } = await home.succeed(['apply-config', '-f', file]);
    t.match(stdout, /stored, and the node reboots with it/);
    await node.waitForApi(await node.waitForBoot(mark));
    t.match((await shown(node)).subjectaltname, 'DNS:again');
    t.match((await home.succeed(['apply-config', '-f', file, '--dry-run'])).stdout, /no changes/);
  });
});
