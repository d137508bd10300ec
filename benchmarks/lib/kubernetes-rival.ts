/**
 * Kubernetes on Debian trixie: systemd, containerd, and the kubelet, the kubeadm and the archives of images that a node of ours has. Everything is on its disk
 * when it boots; what it does then is what the manual of kubeadm says. It is spared three things that a node of ours does: its file system is made, its
 * network plugins have their configuration before there is a cluster, and nothing of its disk is checked by hashes.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { GIB } from '../../lib/base/units.js';
import { findApiPort } from '../../lib/cluster/api-port.js';
import { makeIdentity } from '../../lib/cluster/identity.js';
import { KUBERNETES_API_PORT, NODE_NETWORK } from '../../lib/cluster/qemu-arguments.js';
import { waitForNodes } from '../../lib/cluster/wait-for-nodes.js';
import { parseMachineConfig } from '../../lib/config/index.js';
import { planImage } from '../../lib/image/kubernetes/plan.js';
import { runCommand } from '../../lib/image/run-command.js';
import { cniFile } from '../../lib/kube/cni.js';
import { controlPlaneFiles } from '../../lib/kube/control-plane-files.js';
import { renderInit } from '../../lib/kube/kubeadm/init.js';
import { RUNTIME_CGROUP } from '../../lib/kube/paths.js';
import type { KubernetesRelease } from '../../lib/kube/release.js';
import { yamlOf } from '../../lib/kube/yaml.js';
import { type DebianRival, debianDisk } from './debian-disk.js';
import { NETWORK_FILES } from './debian-rival.js';
import { checkout } from './report.js';
import { type RivalMachine, withRival } from './rival-machine.js';

const NAME = 'rival';
/** What kube-controller-manager gives to the first node. */
const POD_NETWORK = '10.244.0.0/24';
const PATIENCE_MS = 1_200_000;
const CONFIG = '/etc/rival/kubeadm.yaml';
const IMAGES = 'var/lib/rival/images';

/** What it says on its console, in this order. */
const SAID = {
  containerd: 'rival: containerd runs',
  images: 'rival: the images are imported',
  kubeadm: 'rival: kubeadm is through',
} as const;

const unit = (...lines: string[]) => `${lines.join('\n')}\n`;

const FILES: Readonly<Record<string, string>> = {
  ...NETWORK_FILES,
  'etc/resolv.conf': `nameserver ${NODE_NETWORK.nameServer}\n`,
  'etc/hosts': `127.0.0.1 localhost\n${NODE_NETWORK.address} ${NAME}\n`,
  // The kubelet's package brings the folder.
  'etc/kubernetes/manifests/.keep': '',
  'etc/modules-load.d/kubernetes.conf': 'overlay\nbr_netfilter\n',
  'etc/sysctl.d/90-kubernetes.conf': unit(
    'net.ipv4.ip_forward=1',
    'net.bridge.bridge-nf-call-iptables=1',
    // What a kubelet with protectKernelDefaults finds right.
    'vm.overcommit_memory=1',
    'kernel.panic=10',
    'kernel.panic_on_oops=1',
  ),
  'etc/systemd/system/kubelet.service': unit(
    '[Unit]',
    'Wants=network-online.target',
    'After=network-online.target containerd.service',
    '[Service]',
    'EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env',
    'ExecStart=/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS',
    'Restart=always',
    'RestartSec=10',
  ),
  'etc/systemd/system/rival-kubernetes.service': unit(
    '[Unit]',
    'After=containerd.service systemd-networkd.service systemd-sysctl.service',
    '[Service]',
    'Type=oneshot',
    'TimeoutStartSec=infinity',
    'ExecStart=/usr/local/sbin/rival-kubernetes',
    'StandardOutput=file:/dev/console',
    'StandardError=file:/dev/console',
  ),
};

/** What begins when containerd runs. */
function beginning({ images }: KubernetesRelease, components: readonly string[]): string {
  const imports = components.map((component) => {
    const name = images[component as keyof typeof images] ?? component;
    return `ctr --namespace k8s.io images import --index-name ${name} /${IMAGES}/${component}.tar >/dev/null`;
  });
  return unit(
    '#!/bin/sh',
    'set -eu',
    `echo '${SAID.containerd}'`,
    'mount -o ro /dev/vdb /mnt',
    'cp -a /mnt/. /',
    ...imports,
    `echo '${SAID.images}'`,
    // CoreDNS is not among the images, and what preflight looks for is not on ours.
    `kubeadm init --config ${CONFIG} --skip-phases=preflight,addon/coredns`,
    `echo '${SAID.kubeadm}'`,
  );
}

export interface KubernetesRival {
  readonly debian: DebianRival;
  readonly release: KubernetesRelease;
}

/** Made when it is not in the cache; as root only. @throws TalosError  as debianDisk */
export async function kubernetesRival(version: string, onProgress: (text: string) => void): Promise<KubernetesRival> {
  const { kubernetes } = await planImage(checkout, { version }, undefined);
  if (kubernetes === undefined) throw new Error(`there is no plan for Kubernetes ${version}`);
  const { release, source } = kubernetes;
  const { programs, archives } = await source.artifacts('amd64', onProgress);
  const components = [...archives.keys()];
  const copies: Record<string, { from: string; mode: number }> = {};
  for (const [name, from] of Object.entries(programs)) copies[`usr/bin/${name}`] = { from, mode: 0o755 };
  for (const [name, from] of archives) copies[`${IMAGES}/${name}.tar`] = { from, mode: 0o644 };
  const containerd = unit(
    'version = 2',
    '[plugins."io.containerd.grpc.v1.cri"]',
    `  sandbox_image = "${release.images.pause}"`,
    '  [plugins."io.containerd.grpc.v1.cri".cni]',
    '    bin_dir = "/usr/lib/cni"',
    '    conf_dir = "/etc/cni/net.d"',
  );
  const debian = await debianDisk(
    {
      kind: 'debian-kubernetes-rival',
      arch: 'amd64',
      packages: ['containernetworking-plugins', 'iptables', 'conntrack', 'iproute2', 'ethtool', 'procps', 'mount'],
      files: {
        ...FILES,
        'etc/containerd/config.toml': containerd,
        'usr/local/sbin/rival-kubernetes': beginning(release, components),
      },
      copies,
      enabled: {
        'rival-kubernetes.service': '/etc/systemd/system',
        'systemd-networkd.service': '/usr/lib/systemd/system',
      },
      size: '8G',
    },
    onProgress,
  );
  return { debian, release };
}

/** QEMU started → that, in seconds. */
export interface ReadySample {
  readonly containerd: number;
  readonly images: number;
  readonly kubeadm: number;
  readonly ready: number;
  /** CPU time of QEMU until the node was Ready. */
  readonly cpuSeconds: number;
}

/** Boots it once, with authorities of its own, until its node is Ready, and ends it. */
export async function bootKubernetesRival(
  { debian, release }: KubernetesRival,
  machine: RivalMachine,
): Promise<ReadySample> {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-rival-seed-'));
  try {
    const port = await findApiPort(KUBERNETES_API_PORT);
    const seedDisk = path.join(folder, 'seed.img');
    const kubeconfig = path.join(folder, 'kubeconfig');
    const options = { ports: [{ host: port, guest: KUBERNETES_API_PORT }], seedDisk, patienceMs: PATIENCE_MS };
    await writeFile(kubeconfig, await makeSeed(release, machine, port, folder, seedDisk), { mode: 0o600 });
    return await withRival(debian, machine, options, async (running) => {
      const { signal } = running;
      const nodes = waitForNodes({ kubeconfig, names: [NAME], timeoutMs: PATIENCE_MS, signal, onProgress: () => {} });
      const ready = nodes.then(() => ({ ready: running.seconds(), cpuSeconds: running.cpuSeconds() }));
      // Whichever fails first is the reason.
      const [containerd, images, kubeadm, last] = await Promise.all([
        running.lineAt(SAID.containerd),
        running.lineAt(SAID.images),
        running.lineAt(SAID.kubeadm),
        ready,
      ]);
      return { containerd, images, kubeadm, ...last };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Component {
  extraArgs?: Record<string, string>;
}
interface ClusterDocument {
  controllerManager?: Component;
  scheduler?: Component;
}

/** As ours, but for what is of our node alone; and with the kind of keys that kubeadm, and what it starts, has by itself. */
function kubeadmConfig(text: string): string {
  const documents = parseAllDocuments(text).map((document) => {
    const { featureGates: _, ...rest } = document.toJS() as Record<string, unknown>;
    const { controllerManager, scheduler } = rest as ClusterDocument;
    return {
      ...rest,
      ...(controllerManager && { controllerManager: withOwnCertificate(controllerManager) }),
      ...(scheduler && { scheduler: withOwnCertificate(scheduler) }),
    };
  });
  return yamlOf(...documents).replaceAll(RUNTIME_CGROUP, '/system.slice/containerd.service');
}

/** One that it makes itself: there is none for it on the disk, nor the folder of one. */
function withOwnCertificate({ extraArgs = {} }: Component): Component {
  const { 'tls-cert-file': _, 'tls-private-key-file': __, ...own } = extraArgs;
  return { extraArgs: own };
}

/** The second disk: what kubeadm is told and given, the same as on a node of ours. @returns the administrator's kubeconfig */
async function makeSeed(
  release: KubernetesRelease,
  { memoryMib }: RivalMachine,
  port: number,
  folder: string,
  disk: string,
): Promise<string> {
  const { machineConfigs, kubeconfig = '' } = await makeIdentity({
    clusterName: NAME,
    nodes: [{ name: NAME, kind: 'controlplane', endpoint: '127.0.0.1:50000', address: NODE_NETWORK.address }],
    kubernetes: { endpoint: `https://127.0.0.1:${port}` },
  });
  const { config } = parseMachineConfig(machineConfigs[0] ?? '');
  const memoryBytes = (memoryMib / 1024) * GIB;
  const facts = { hostname: NAME, addresses: [`${NODE_NETWORK.address}/24`], memoryBytes, nowMs: Date.now() };
  const cni = cniFile(config, [POD_NETWORK]);
  const files = [
    ...controlPlaneFiles({ config, release }),
    ...(cni === undefined ? [] : [cni]),
    {
      path: CONFIG,
      mode: 0o600,
      text: kubeadmConfig(renderInit({ config, release, facts })),
    },
  ];
  const tree = path.join(folder, 'seed');
  for (const { path: name, mode, text } of files) {
    const target = path.join(tree, name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
    await chmod(target, mode);
  }
  await runCommand(['mke2fs', '-q', '-t', 'ext4', '-d', tree, disk, '32M']);
  return kubeconfig;
}
