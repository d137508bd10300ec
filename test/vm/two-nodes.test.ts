/** A control plane and a worker that joins by it: trustd and proxyd in containers, over a network of two nodes. */
import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import t from 'tap';
import { parse } from 'yaml';
import { findApiPort } from '../../lib/cluster/api-port.js';
import { ConsoleFollower } from '../../lib/cluster/console-log.js';
import { connectQmp } from '../../lib/cluster/node-control.js';
import { clustersDir } from '../../lib/cluster/paths.js';
import { isRunning, type ProcessIdentity, signalProcess } from '../../lib/cluster/process-identity.js';
import { NODE_NETWORK } from '../../lib/cluster/qemu-arguments.js';
import { type NodeState, readState } from '../../lib/cluster/state.js';
import { requestCertificate } from '../../lib/machined/join/trust-client.js';
import { createKeyRequest } from '../../lib/pki/key-request.js';
import { currentContext, readConfigDisk, tlsOptions } from '../helpers/credentials.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestHome } from '../helpers/node.js';

t.setTimeout(seconds(400));

const NAME = 'two';
const BOOT_MS = seconds(200);
const PATIENCE_MS = seconds(90);
const DAY_MS = 86_400_000;

interface Row {
  namespace: string;
  id: string;
  image: string;
  pid: number;
  status: string;
}

t.test('two nodes', async (t) => {
  const home = await TestHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  t.teardown(() => home.osctl(['cluster', 'destroy', '--name', NAME]));
  const size = ['--controlplanes', '1', '--workers', '1', '--memory', '1536', '--cpus', '1'];
  await home.succeed(['cluster', 'create', '--name', NAME, '--layer', 'test', ...size], 2 * BOOT_MS);
  const state = await readState(clustersDir(home.environment), NAME);
  const [control, worker] = (state?.nodes ?? []) as [NodeState, NodeState];
  const { ca, client } = await currentContext(home);
  const consoleOf = async (node: NodeState) => {
    const follower = await ConsoleFollower.open(node.consoleLog);
    t.teardown(() => follower.close());
    return follower;
  };
  const console = await consoleOf(control);
  const consoleOfWorker = await consoleOf(worker);
  /** Waits for what PID 1 says of a service, that of the control plane unless said otherwise. */
  const told = (id: string, what: string, after = 0, follower = console) =>
    within(PATIENCE_MS, `${id}: ${what}`, follower.waitFor(new RegExp(`service ${id}: ${what}`), { after }), () =>
      follower.lines
        .slice(-20)
        .map(({ text }) => text)
        .join('\n'),
    );
  const rows = (node: NodeState) => home.json<Row[]>('-n', node.endpoint, 'ps');
  const row = async (node: NodeState, id: string) => (await rows(node)).find((each) => each.id === id);
  const read = async (path: string) => (await home.succeed(['read', path])).stdout;

  await t.test('the worker has its certificate from the control plane', async (t) => {
    const version = await home.succeed(['-n', worker.endpoint, 'version']);
    t.match(version.stdout, `${worker.name}`);
    const certificate = await shownBy(worker.endpoint, ca, tlsOptions(client));
    t.ok(certificate.checkIP(worker.address ?? ''), 'for its address in the network of the cluster');
    t.notOk(certificate.checkIP(control.address ?? ''));
    t.ok(Date.parse(certificate.validTo) - Date.now() <= DAY_MS);
    const log = await home.succeed(['logs', 'machined']);
    t.match(log.stdout, `issued a certificate to the node at ${worker.address} until`);
    t.notMatch(await readConfigDisk(worker.configDisk), /PRIVATE KEY/, 'it could not have made it itself');
  });

  await t.test('trustd and proxyd are services in containers, with little that they may', async (t) => {
    for (const follower of [console, consoleOfWorker]) {
      await told('proxyd', 'listening on port 7445', 0, follower);
      await told('blockd', 'Started with process id', 0, follower);
    }
    for (const [id, uid] of [
      ['trustd', 52],
      ['proxyd', 53],
    ] as const) {
      const found = await row(control, id);
      t.match(found, { namespace: 'system', image: new RegExp(`^talos\\.local/${id}:v`), status: 'RUNNING' });
      const status = await read(`/proc/${found?.pid}/status`);
      t.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
      t.match(status, /^CapBnd:\t0{16}$/m);
      t.match(status, /^NoNewPrivs:\t1$/m);
      // That of its container, that of its start, and the one since it listens.
      t.match(status, /^Seccomp_filters:\t3$/m);
      const mounts = await read(`/proc/${found?.pid}/mounts`);
      t.match(mounts, /^\S+ \/run\/control tmpfs ro,nosuid,nodev,noexec/m);
      t.comment(`${id}: ${(await read(`/sys/fs/cgroup/system/${id}/memory.peak`)).trim()} bytes at most`);
    }
    t.match(await home.json('service', 'trustd'), { health: 'OK', lastMessage: 'Listening on port 50001' });
    // The image of these nodes has no Kubernetes.
    const noServer = 'no server of the Kubernetes API can be reached';
    t.match(await home.json('service', 'proxyd'), { health: 'OK', lastMessage: noServer });
    t.equal((await row(worker, 'proxyd'))?.status, 'RUNNING');
    for (const node of [control, worker]) t.match(await row(node, 'blockd'), { image: /^talos\.local\/blockd:v/ });
    t.equal(await row(worker, 'trustd'), undefined, 'a worker has nothing to certify with');
  });

  await t.test('a wrong token is refused, the right one gets a certificate and nothing more', async (t) => {
    const port = await findApiPort();
    const qmp = await connectQmp(control);
    const line = `hostfwd_add net0 tcp:127.0.0.1:${port}-${NODE_NETWORK.address}:50001`;
    await qmp.execute('human-monitor-command', { 'command-line': line }).finally(() => qmp.close());
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ask = (token: string) =>
      requestCertificate(
        { host: control.address ?? '', address: '127.0.0.1', port },
        { signingRequest: Buffer.from(createKeyRequest(privateKey)), token, authorities: ca },
        AbortSignal.timeout(PATIENCE_MS),
      );
    await t.rejects(ask('aaaaaa.aaaaaaaaaaaaaaaa'), { code: 'ERR_TRUST_DENIED' });
    const { token } = (parse(await readConfigDisk(worker.configDisk)) as { machine: { token: string } }).machine;
    t.match((await ask(token)).certificate, /BEGIN CERTIFICATE/);
    t.match((await home.succeed(['logs', 'machined'])).stdout, /refused a certificate to \S+: its token is wrong/);
  });

  await t.test('a machine that stands still holds up nobody', async (t) => {
    signalProcess(worker.process, 'SIGSTOP');
    t.teardown(() => signalProcess(worker.process, 'SIGCONT'));
    // The whole of a call goes by QEMU, which a neighbour in its network must not keep waiting.
    for (let call = 0; call < 3; call++) await home.succeed(['version'], PATIENCE_MS);
    t.not(await row(control, 'trustd'), undefined);
    signalProcess(worker.process, 'SIGCONT');
    await home.succeed(['-n', worker.endpoint, 'version'], PATIENCE_MS);
  });

  await t.test('trustd is killed, and comes back', async (t) => {
    const after = console.lines.length;
    const before = await row(control, 'trustd');
    await home.succeed(['service', 'fault-kill-trustd', 'start']);
    await told('trustd', 'Ended: killed by signal 9', after);
    await told('trustd', 'listening on port 50001', after);
    const now = await row(control, 'trustd');
    t.equal(now?.status, 'RUNNING');
    t.not(now?.pid, before?.pid);
  });

  await t.test('machined is killed, and they go on, connected to the next one', async (t) => {
    const before = [await row(control, 'trustd'), await row(control, 'proxyd')];
    const after = console.lines.length;
    await home.succeed(['service', 'fault-kill-machined', 'start']);
    await told('machined', 'Ended: killed by SIGKILL', after);
    await told('trustd', `Runs with process id ${before[0]?.pid}`, after);
    await told('proxyd', `Runs with process id ${before[1]?.pid}`, after);
    t.same([await row(control, 'trustd'), await row(control, 'proxyd')], before);
    t.match(await home.json('service', 'trustd'), { health: 'OK' });
    await home.succeed(['restart', 'trustd']);
    await told('trustd', 'listening on port 50001', after);
    t.pass('it was let in at the door of the next machined');
  });

  await t.test('nothing is left of it', async (t) => {
    const processes = [control.process, worker.process, state?.frameSwitch as ProcessIdentity];
    for (const each of processes) t.ok(isRunning(each));
    await home.succeed(['cluster', 'destroy', '--name', NAME], PATIENCE_MS);
    for (const each of processes) t.notOk(isRunning(each));
  });
});

/** The certificate of the API at an endpoint, whoever it is for. */
async function shownBy(endpoint: string, ca: string, client: { cert: string; key: string }): Promise<X509Certificate> {
  const [host, port] = endpoint.split(':');
  const socket = connect({
    ...{ host, port: Number(port), ca, ...client, servername: 'node', ALPNProtocols: ['h2'] },
    checkServerIdentity: () => undefined,
  });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (!certificate) throw new Error('it showed no certificate');
  return certificate;
}
