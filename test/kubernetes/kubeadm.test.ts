/**
 * The engine with the real kubeadm, as far as a host can have it: the phases that need no API server, in mount and host name spaces of their own. What kubeadm
 * writes and says is what the engine goes by.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { GIB } from '../../lib/base/units.js';
import { debianSource } from '../../lib/image/kubernetes/debian-source.js';
import { readReleases } from '../../lib/image/kubernetes/plan.js';
import { findRelease } from '../../lib/kube/release.js';
import { KubernetesEngine } from '../../lib/machined/kubernetes/engine.js';
import { FOLDERS } from '../../lib/machined/kubernetes/folders.js';
import type { Journal } from '../../lib/machined/kubernetes/journal.js';
import { JournalFile } from '../../lib/machined/kubernetes/journal.js';
import { KubeletStatus } from '../../lib/machined/kubernetes/kubelet-status.js';
import { nodeEffects } from '../../lib/machined/kubernetes/node-effects.js';
import { loadConfig } from '../../lib/machined/load-config.js';
import { loadNative } from '../../lib/native/index.js';
import { testArchitecture } from '../helpers/architecture.js';
import { checkout } from '../helpers/checkout.js';
import { emptyFolder, inNamespaces } from '../native/in-namespaces.js';
import { generated } from '../unit/machined/fixtures.js';

t.setTimeout(240_000);

const VERSION = 'v1.20.2';
const HOSTNAME = 'node-1';
const PHASES = ['certs', 'kubelet-start', 'etcd', 'apiserver'];
const FACTS = { hostname: HOSTNAME, addresses: ['10.5.0.2/24'], memoryBytes: 4 * GIB };

// It is for this machine's processor, or cannot be run.
const isRunnable = testArchitecture === (process.arch === 'arm64' ? 'arm64' : 'amd64');

if (isRunnable && inNamespaces(import.meta.url, ['--mount', '--uts', '--propagation', 'private'])) {
  const native = loadNative();
  const release = findRelease(await readReleases(checkout), VERSION);
  const { programs } = await debianSource(checkout, release).artifacts(testArchitecture, () => {});
  const { controlplane } = await generated();
  let { config } = loadConfig(controlplane);

  execFileSync('hostname', [HOSTNAME]);
  const scratch = emptyFolder(t, native.mount);
  // kubeadm has its own places: what it writes there is gone with the name space.
  for (const folder of ['/etc', '/opt', '/usr/lib', '/var']) {
    const own = join(scratch, folder);
    for (const part of ['upper', 'work']) mkdirSync(join(own, part), { recursive: true });
    const options = `lowerdir=${folder},upperdir=${join(own, 'upper')},workdir=${join(own, 'work')}`;
    execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', folder]);
  }
  for (const folder of [
    FOLDERS.kubernetes,
    '/var/lib',
    '/var/log',
    '/system',
    '/etc/cni',
    FOLDERS.plugins,
    FOLDERS.ownPlugins,
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  execFileSync('mount', ['-t', 'tmpfs', 'system', '/system']);

  let onProblem = () => {};

  /** Runs the engine until the API server would have to be there. */
  async function begin(): Promise<{ asked: [string, object][]; lines: string[]; told: string[] }> {
    const asked: [string, object][] = [];
    const lines: string[] = [];
    const told: string[] = [];
    const stop = new AbortController();
    const request = async (method: string, body: object) => {
      asked.push([method, body]);
      const services = [{ id: 'kubelet', state: 'Finished' }];
      return { body: method === 'listServices' ? { services } : {}, descriptors: [] };
    };
    const real = nodeEffects({
      ...{ files: native.files, mount: native.mount, program: programs.kubeadm },
      init: { request } as never,
      installed: { release, archives: {} },
      config: () => config,
      apiServers: () => [],
      writePodNetwork: async () => {},
      certificates: { look: async () => {} },
      clockProblem: () => undefined,
      containerd: { ready: async () => {}, connection: undefined as never },
      status: new KubeletStatus(({ text }) => told.push(text)),
      kubeletStarted: () => {},
      facts: () => ({ ...FACTS, nowMs: Date.now() }),
      log: {
        info: (text) => lines.push(text),
        notice: () => {},
        problem: (text) => {
          lines.push(text);
          onProblem();
        },
      },
    });
    const engine = new KubernetesEngine({
      ...real,
      importImages: async () => {},
      // The node's own keeps no process.
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      async askApi(place) {
        if (place === 'own') stop.abort(new Error('as far as a host can have it'));
        throw new Error('nobody is there');
      },
    });
    const running = engine.run(stop.signal);
    const journal = await journalFile.read().catch(() => undefined);
    while (journal === undefined && engine.state !== 'waiting') await new Promise((resolve) => setImmediate(resolve));
    if (journal === undefined) await engine.bootstrap(stop.signal);
    await running;
    return { asked, lines, told };
  }
  const journalFile = new JournalFile(native.files, FOLDERS.state);
  const fileAt = (name: string) => readFileSync(join(FOLDERS.kubernetes, name), 'utf8');

  t.test('the phases before the API server', async (t) => {
    const { asked, lines, told } = await begin();
    t.strictSame(
      told.filter((text) => /failed/.test(text)),
      [],
    );
    t.match(await journalFile.read(), {
      kind: 'init',
      nodeName: HOSTNAME,
      release: VERSION,
      done: PHASES,
      isMember: false,
    });
    t.strictSame(
      readdirSync(join(FOLDERS.kubernetes, 'manifests')),
      ['etcd.yaml', 'kube-apiserver.yaml'],
      'what asks the server is started when it answers',
    );
    t.match(fileAt('manifests/kube-apiserver.yaml'), /--advertise-address=10\.5\.0\.2/);
    t.equal(fileAt('pki/ca.crt'), config.cluster.ca?.crt, "the cluster's own authority");
    for (const name of ['pki/apiserver.key', 'pki/apiserver-etcd-client.key', 'pki/etcd/server.key']) {
      t.match(createPrivateKey(fileAt(name)), { asymmetricKeyType: 'ec' }, name);
    }
    for (const name of ['pki/ca.key', 'pki/apiserver.key', 'admin.conf', 'kubelet.conf']) {
      t.equal(statSync(join(FOLDERS.kubernetes, name)).mode & 0o777, 0o600, name);
    }
    for (const name of ['admin', 'kubelet', 'controller-manager', 'scheduler']) {
      const key = /client-key-data: (\S+)/.exec(fileAt(`${name}.conf`))?.[1] ?? '';
      t.match(createPrivateKey(Buffer.from(key, 'base64')), { asymmetricKeyType: 'ec' }, `${name}.conf`);
    }
    const words = ['init', 'phase', 'kubeconfig', 'all', `--config=${join(FOLDERS.run, 'kubeadm.yaml')}`];
    const { stdout, stderr } = spawnSync(programs.kubeadm ?? '', words, { encoding: 'utf8' });
    t.equal(stdout.match(/Using existing kubeconfig file/g)?.length, 4, 'kubeadm would make no others');
    t.notMatch(stderr, /unexpected API Server URL/, 'as it would itself');
    t.equal(statSync(join(FOLDERS.run, 'kubeadm.yaml')).mode & 0o777, 0o600);

    const kubelet = asked.filter(([method]) => method !== 'listServices' && method !== 'reportHealth');
    // kubeadm expects that none runs while it writes what the next one reads.
    t.match(kubelet, [
      ['controlService', { id: 'kubelet', action: 'STOP', untilEnded: true }],
      ['setServiceArguments', { id: 'kubelet' }],
      ['controlService', { id: 'kubelet', action: 'START' }],
    ]);
    t.equal(kubelet.length, 3, 'started once, when kubeadm said so');
    const list = (kubelet[1]?.[1] as { arguments: string[] } | undefined)?.arguments ?? [];
    for (const flag of ['--node-ip=10.5.0.2', '--container-runtime=remote']) t.ok(list.includes(flag), flag);
    t.equal(list.length, new Set(list.map((flag) => flag.replace(/=.*/, ''))).size, 'each flag once');
    t.notMatch(lines.join('\n'), /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/, 'no token in the log');
  });

  t.test('each of them again, as after a cut', async (t) => {
    const whole = (await journalFile.read()) as Journal;
    for (const [index, phase] of PHASES.entries()) {
      const before = fileAt('pki/apiserver.crt');
      await journalFile.write({ ...whole, done: PHASES.slice(0, index) });
      const { told } = await begin();
      t.strictSame(
        told.filter((text) => /failed/.test(text)),
        [],
        phase,
      );
      t.match(await journalFile.read(), { done: PHASES });
      if (phase !== 'certs') t.equal(fileAt('pki/apiserver.crt'), before, 'the same certificate');
    }
  });

  t.test('files that a cut has left empty are made anew, and those of the config are mended', async (t) => {
    const whole = (await journalFile.read()) as Journal;
    for (const [done, names] of [
      [[], ['pki/apiserver.crt', 'pki/etcd/server.key', 'pki/ca.key', 'pki/sa.pub']],
      [['certs'], ['admin.conf', 'kubelet.conf']],
      [PHASES.slice(0, 2), ['manifests/etcd.yaml']],
      [PHASES.slice(0, 3), ['manifests/kube-apiserver.yaml', 'apiserver/audit-policy.yaml']],
    ] as const) {
      for (const name of names) writeFileSync(join(FOLDERS.kubernetes, name), '');
      await journalFile.write({ ...whole, done });
      const { told } = await begin();
      t.strictSame(
        told.filter((text) => /failed/.test(text)),
        [],
      );
      t.match(await journalFile.read(), { done: PHASES });
      for (const name of names) t.not(fileAt(name), '', name);
    }
    t.equal(fileAt('pki/ca.key'), config.cluster.ca?.key);
  });

  t.test('a member whose config has become another one has another control plane', async (t) => {
    const whole = (await journalFile.read()) as Journal;
    const before = config;
    await journalFile.write({ ...whole, isMember: true });
    const { apiServer } = before.cluster;
    const changed = {
      ...apiServer,
      certSANs: [...(apiServer?.certSANs ?? []), 'api.example.net'],
      extraArgs: { v: '2' },
    };
    config = { ...before, cluster: { ...before.cluster, apiServer: changed } };
    const { told, lines } = await begin();
    t.strictSame(
      told.filter((text) => /cannot/.test(text)),
      [],
    );
    t.match(fileAt('manifests/kube-apiserver.yaml'), /--v=2\n/);
    const certificate = new X509Certificate(fileAt('pki/apiserver.crt'));
    t.equal(certificate.checkHost('api.example.net'), 'api.example.net');
    t.ok(certificate.checkPrivateKey(createPrivateKey(fileAt('pki/apiserver.key'))));
    for (const name of ['controller-manager', 'scheduler']) {
      const manifest = fileAt(`manifests/kube-${name}.yaml`);
      t.match(manifest, `--tls-cert-file=/etc/kubernetes/${name}/tls.crt`);
      t.match(manifest, `mountPath: /etc/kubernetes/${name}\n`);
    }
    t.match(fileAt('scheduler.conf'), /server: https:\/\/10\.5\.0\.2:6443/);
    t.ok(lines.some((line) => line.startsWith('kubeadm: ')));
    const again = await begin();
    t.notOk(
      again.lines.some((line) => line.startsWith('kubeadm: ')),
      'once',
    );
    config = before;
    rmSync(join(FOLDERS.kubernetes, 'manifests/kube-controller-manager.yaml'));
    rmSync(join(FOLDERS.kubernetes, 'manifests/kube-scheduler.yaml'));
    await journalFile.write(whole);
  });

  t.test('a phase that kubeadm refuses is told in its own words, and tried again', async (t) => {
    const whole = (await journalFile.read()) as Journal;
    await journalFile.write({ ...whole, done: PHASES.slice(0, 2) });
    // Nothing can be written where the manifest belongs, until somebody has made room.
    const manifest = join(FOLDERS.kubernetes, 'manifests/etcd.yaml');
    rmSync(manifest);
    mkdirSync(manifest);
    const running = begin();
    await new Promise<void>((resolve) => {
      onProblem = () => {
        rmSync(manifest, { recursive: true });
        resolve();
      };
    });
    const { told } = await running;
    t.match(
      told.find((text) => /failed/.test(text)),
      /^init phase etcd \(3 of 12\) failed: .*etcd\.yaml/,
    );
    t.match(await journalFile.read(), { done: PHASES });
  });
}
