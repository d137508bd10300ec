/** A booted node with containerd 2.x: the services in containers, and a pod by the Container Runtime Interface, as a kubelet makes it. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ContainerdConnection } from '../../lib/containerd/index.js';
import { testArchitecture } from '../helpers/architecture.js';
import { checkout } from '../helpers/checkout.js';
import { CriClient } from '../helpers/cri/client.js';
import { bringPodImages, containerConfig, POD_GROUP, POD_UID, sandboxConfig } from '../helpers/cri/pod.js';
import { seconds } from '../helpers/deadline.js';
import { forwardSocket } from '../helpers/forward.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(300));

const PATIENCE_MS = seconds(90);
/** test/layer/services/containerd-relay.json */
const RELAY_PORT = 50_100;
const IMAGE = 'talos.local/chatty:1';
const CONFIG = join(checkout, 'rootfs/files/etc/containerd/config-v3.toml');

interface Row {
  id: string;
  image: string;
  pid: number;
  status: string;
}

t.test('containerd 2.x', async (t) => {
  const flags = ['--runtime', 'containerd-2.x'];
  const node = await TestNode.create({ name: 'containerd-2', layer: 'test', flags });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const told = (id: string, what: string, after = 0) =>
    node.waitForConsole(new RegExp(`service ${id}: ${what}`), { after, timeoutMs: PATIENCE_MS });
  /** By name, so that a pod comes before its containers. */
  const containers = async (...flags: string[]) =>
    (await home.json<Row[]>('ps', ...flags)).sort((left, right) => (left.id < right.id ? -1 : 1));
  const procFile = async (pid: number, name: string) => (await home.succeed(['read', `/proc/${pid}/${name}`])).stdout;

  await t.test('it answers, and the services in containers run', async (t) => {
    for (const id of ['trustd', 'proxyd']) await told(id, 'Started with process id');
    const { health, lastMessage } = await home.json<{ health: string; lastMessage: string }>('service', 'containerd');
    t.equal(health, 'OK');
    t.match(lastMessage, /^containerd 2\.\S+ answers on its socket$/);
    const rows = await containers();
    for (const id of ['trustd', 'proxyd']) {
      const row = rows.find((each) => each.id === id);
      t.match(row, { status: 'RUNNING', image: new RegExp(`^talos\\.local/${id}:v`) });
      t.equal(await procFile(row?.pid ?? 0, 'cgroup'), `0::/system/${id}\n`);
    }
    t.strictSame(await containers('-k'), [], 'no pods');
  });

  await home.succeed(['service', 'containerd-relay', 'start']);
  const log = home.stream('logs', '-f', 'containerd-relay');
  await log.until(PATIENCE_MS, 'the relay listens', (lines) => lines.some(({ text }) => /listening/.test(text)));
  await log.stop();
  const socketPath = join(home.folder, 'containerd.sock');
  const forward = await forwardSocket(node, RELAY_PORT, socketPath);
  t.teardown(() => forward[Symbol.asyncDispose]());
  const cri = new CriClient(socketPath);
  t.teardown(() => cri[Symbol.dispose]());
  let podSandboxId = '';
  let containerId = '';
  let pid = 0;

  await t.test('a pod runs, within what was asked for', async (t) => {
    await cri.ready();
    t.match(await cri.runtime('Version'), { runtimeApiVersion: 'v1', runtimeVersion: /^2\./ });
    const sandboxImage = /^\s*sandbox = "(.+)"$/m.exec(await readFile(CONFIG, 'utf8'))?.[1] ?? '';
    const connection = new ContainerdConnection(socketPath);
    t.teardown(() => connection.close());
    const work = join(home.folder, 'pod');
    await mkdir(work);
    await bringPodImages(connection, { [sandboxImage]: 1, [IMAGE]: 20 }, testArchitecture, work);
    // CRI learns of images by events.
    let image: unknown;
    while (!image) ({ image } = await cri.image('ImageStatus', { image: { image: IMAGE } }));
    t.match(await cri.image('ImageStatus', { image: { image: sandboxImage } }), { image: { pinned: true } });

    ({ podSandboxId } = await cri.runtime<{ podSandboxId: string }>('RunPodSandbox', { config: sandboxConfig }));
    const create = { podSandboxId, config: containerConfig(IMAGE), sandboxConfig };
    ({ containerId } = await cri.runtime<{ containerId: string }>('CreateContainer', create));
    await cri.runtime('StartContainer', { containerId });
    t.match(await cri.runtime('ContainerStatus', { containerId }), { status: { state: 'CONTAINER_RUNNING' } });

    const [sandbox, container, ...others] = await containers('-k');
    t.match(sandbox, { id: 'default/web', image: sandboxImage, status: 'RUNNING' });
    t.match(container, { id: `default/web:chatty:${containerId.slice(0, 12)}`, image: IMAGE, status: 'RUNNING' });
    t.strictSame(others, []);
    pid = container?.pid ?? 0;
    const status = await procFile(pid, 'status');
    t.match(status, new RegExp(`^Uid:(\t${POD_UID}){4}$`, 'm'));
    t.match(status, /^NoNewPrivs:\t1$/m);
    t.match(status, /^Seccomp:\t2$/m, "containerd's filter, by runc and libseccomp");
    t.equal(await procFile(pid, 'cgroup'), `0::${POD_GROUP}/${containerId}\n`);
    const shims = await home.succeed(['read', '/sys/fs/cgroup/podruntime/shim/cgroup.procs']);
    t.ok(shims.stdout.split('\n').length > 3, 'shims are in their group');
  });

  await t.test('its log and its stats', async (t) => {
    const follow = home.stream('logs', '-f', '-k', 'default/web:chatty');
    await follow.until(PATIENCE_MS, 'lines', (lines) => lines.length > 20);
    await follow.stop();
    const numbers = follow.lines.map(({ text }) => Number(/^chatty (\d+) /.exec(text)?.[1]));
    t.strictSame(
      numbers,
      numbers.map((_, index) => index + 1),
      'every line from the first on',
    );
    const { stats } = await cri.runtime<{ stats: Record<string, Record<string, { value: number }>> }>(
      'ContainerStats',
      { containerId },
    );
    t.ok((stats.cpu?.usageCoreNanoSeconds?.value ?? 0) > 0);
    t.ok((stats.memory?.workingSetBytes?.value ?? 0) > 0);
    const usage = await home.json<{ id: string; memoryUsage: number }[]>('stats', '-k');
    t.ok((usage.find(({ id }) => id.startsWith('default/web:chatty'))?.memoryUsage ?? 0) > 0);
  });

  await t.test('it outlives containerd', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['service', 'containerd', 'restart']);
    await told('containerd', 'Started with process id', mark);
    // By a connection of its own: the other one waits between its attempts.
    using again = new CriClient(socketPath);
    await again.ready();
    t.match(await again.runtime('ContainerStatus', { containerId }), { status: { state: 'CONTAINER_RUNNING' } });
    t.equal(
      (await containers('-k')).find(({ id }) => id.startsWith('default/web:chatty'))?.pid,
      pid,
      'the same process',
    );
    await again.runtime('StopContainer', { containerId, timeout: 30 });
    t.match(await again.runtime('ContainerStatus', { containerId }), {
      status: { state: 'CONTAINER_EXITED', exitCode: 0, reason: 'Completed' },
    });
    await again.runtime('StopPodSandbox', { podSandboxId });
    await again.runtime('RemovePodSandbox', { podSandboxId });
    t.strictSame(await containers('-k'), [], 'nothing of it is left');
  });

  await t.test('on the way down containers end first', async (t) => {
    const after = node.consoleMark;
    await home.succeed(['shutdown'], PATIENCE_MS);
    t.ok(await node.waitForConsole(/exit: stop containers done in \d+ ms/, { after }));
    t.ok(await node.waitForConsole(/exit: end processes done in \d+ ms/, { after }));
    const tail = node.console.lines.slice(after).map(({ text }) => text);
    const left = tail.filter((text) => /are left after SIGTERM|still mounted/.test(text));
    t.strictSame(left, [], 'neither shims nor mounts are left');
  });
});
