/** What the engine does, done to this node. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import type { ContainerdConnection } from '../../containerd/index.js';
import type { ControlClient } from '../../control/client.js';
import { addonsOf } from '../../kube/addons.js';
import { type ApiMember, KubeClient, parseKubeconfig } from '../../kube/api/index.js';
import { caCertHash } from '../../kube/ca-hash.js';
import { problemsOf } from '../../kube/checks.js';
import { apiServerPort, endpointOf } from '../../kube/cluster-network.js';
import { bringsOwnNetwork } from '../../kube/cni.js';
import { controlPlaneFiles } from '../../kube/control-plane-files.js';
import { evictionApi } from '../../kube/eviction.js';
import { firstPodCidrs } from '../../kube/first-pod-network.js';
import type { KubeadmInput, NodeFacts } from '../../kube/input.js';
import { advertisedAddress, controlPlaneDigest } from '../../kube/kubeadm/control-plane.js';
import { renderInit } from '../../kube/kubeadm/init.js';
import { renderJoin } from '../../kube/kubeadm/join.js';
import { kubeletConfigFile } from '../../kube/kubelet-config.js';
import { kubeletFlags } from '../../kube/kubelet-flags.js';
import { addressOf, nodeAddresses } from '../../kube/node-address.js';
import { neededImages } from '../../kube/node-images.js';
import { MANIFESTS_DIR } from '../../kube/paths.js';
import type { InstalledRelease } from '../../kube/release.js';
import type { FilesModule, MountModule } from '../../native/contract.js';
import type { LoadedConfig } from '../load-config.js';
import type { MachinedLog } from '../log.js';
import { stopService } from '../stop-service.js';
import { askApiServer } from './ask-api.js';
import { placeOf } from './ask-etcd.js';
import type { CertificateKeeper } from './certificate-keeper.js';
import { cordon, uncordon } from './cordon.js';
import { makeCredentials, makeKubeletServing } from './credentials.js';
import { describeDrain, drain } from './drain.js';
import type { EngineEffects } from './effects.js';
import { givePodCidrs } from './first-pod-network.js';
import { flushFolder } from './flush.js';
import { FOLDERS, prepareFolders } from './folders.js';
import { importImages } from './images.js';
import { JournalFile } from './journal.js';
import { runKubeadm } from './kubeadm.js';
import { hasKubeletCredentials, KUBELET_ID, startKubelet } from './kubelet.js';
import type { KubeletStatus } from './kubelet-status.js';
import { removeEtcdMember } from './leave.js';
import { removeLeftovers } from './leftovers.js';
import { withNodeClient } from './node-client.js';
import { nodeFacts } from './node-facts.js';
import { writeFilesBeneath } from './write-files.js';

export interface NodeEffectsOptions {
  files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile' | 'makeDirectory'>;
  mount: Pick<MountModule, 'mountInfo' | 'openTree' | 'createMount' | 'setAttributes' | 'moveMount'>;
  init: Pick<ControlClient, 'request'>;
  installed: InstalledRelease;
  /** The config that is in force. */
  config(): LoadedConfig['config'];
  /** As the API has named them: etcd of other control planes is beside them. */
  apiServers(): readonly ApiMember[];
  /** None: it is not known. Resolves when it is written; what fails is said, and tried again. */
  writePodNetwork(podCidrs: readonly string[]): Promise<void>;
  /** Why the clock cannot be right; undefined when it can. */
  clockProblem(): string | undefined;
  containerd: {
    /** Resolves when it answers. */
    ready(signal: AbortSignal): Promise<void>;
    readonly connection: ContainerdConnection;
  };
  status: KubeletStatus;
  kubeletStarted(): void;
  certificates: Pick<CertificateKeeper, 'look'>;
  /** What the node knows of itself; from the kernel unless a test says otherwise. */
  facts?(): NodeFacts;
  /** kubeadm, where it is not that of the root image. */
  program?: string;
  log: Pick<MachinedLog, 'info' | 'notice' | 'problem'>;
}

const API_SERVER_MANIFEST = join(MANIFESTS_DIR, 'kube-apiserver.yaml');
const KUBEADM_CONFIG = 'kubeadm.yaml';
const SET_CLOCK = 'name a time server that answers (machine.time.servers), or set the clock of the machine';

export function nodeEffects(options: NodeEffectsOptions): EngineEffects {
  const { files, mount, init, installed, containerd, status, log, program } = options;
  const { release, archives } = installed;
  const journal = new JournalFile(files, FOLDERS.state);
  const config = () => options.config();
  const facts = options.facts ?? nodeFacts;
  const input = (): KubeadmInput => ({ config: config(), release, facts: facts() });
  const ca = () => config().cluster.ca?.crt ?? '';
  const own = () => ({ host: '127.0.0.1', port: apiServerPort(config()) });
  const kubeadmOptions = { log: (text: string) => log.info(text), ...(program !== undefined && { program }) };
  const nodeName = () => facts().hostname.toLowerCase();
  const logged = (text: string) => log.info(`kubernetes: ${text}`);
  let lastTold = '';
  return {
    nodeType: config().machine.type,
    endpoint: () => config().cluster.controlPlane.endpoint,
    facts: () => ({
      authority: ca() === '' ? '' : caCertHash(ca()),
      nodeName: nodeName(),
      release: release.version,
    }),
    problems() {
      const clock = options.clockProblem();
      const ofClock = clock === undefined ? [] : [`${clock}: ${SET_CLOCK}`];
      return [...ofClock, ...problemsOf(config(), release, facts())];
    },
    choice() {
      const { isProxyWanted, isDnsWanted } = addonsOf(config(), release);
      return { release, withKubeProxy: isProxyWanted, withCoreDns: isDnsWanted };
    },
    controlPlaneDigest: () => controlPlaneDigest(input()),
    async controlPlaneProblem() {
      const [now = ''] = nodeAddresses(config(), facts());
      const made = advertisedAddress(await readFile(API_SERVER_MANIFEST, 'utf8').catch(textOfMissing));
      if (made === undefined || made === now) return undefined;
      return `it was made for the address ${made}, and that of the node is ${now} now: give it its address back (machine.network, machine.kubelet.nodeIP.validSubnets), or reset it (osctl reset)`;
    },
    prepare: () => prepareFolders(mount, bringsOwnNetwork(config())),
    readJournal: () => journal.read(),
    writeJournal: (next) => journal.write(next),
    async importImages(which, signal) {
      const needed = neededImages(config(), release);
      const others = Object.keys(archives).filter((name) => !needed.includes(name));
      const wanted = which === 'needed' ? needed : others;
      // What the image does not have is pulled.
      const list = wanted.flatMap((name) => (archives[name] === undefined ? [] : [{ name, path: archives[name] }]));
      await containerd.ready(signal);
      if (list.length === 0) return;
      const startedMs = performance.now();
      const imported = await importImages(containerd.connection, list, signal);
      const seconds = ((performance.now() - startedMs) / SECOND_MS).toFixed(1);
      log.notice(
        `${which === 'needed' ? 'images' : 'other images'} of Kubernetes ${release.version}: ${imported.length} imported in ${seconds} s, ${list.length} there`,
      );
    },
    async writeFiles(kind) {
      const now = input();
      await writeFilesBeneath(files, FOLDERS.kubernetes, controlPlaneFiles(now));
      if (now.config.machine.type === 'controlplane') {
        await makeCredentials({ files, input: now, isFirst: kind === 'init' });
      }
      const path = join(FOLDERS.run, KUBEADM_CONFIG);
      const text = kind === 'init' ? renderInit(now) : renderJoin(now);
      await writeFilesBeneath(files, FOLDERS.run, [{ path, mode: 0o600, text }]);
      return path;
    },
    removeLeftovers: (kinds) => removeLeftovers(kinds, controlPlaneFiles(input())),
    kubeadm: (argv, run) => runKubeadm(argv, run, kubeadmOptions),
    async flush() {
      await flushFolder(FOLDERS.state, ['pki', 'pki/etcd', 'manifests']);
      await flushFolder(FOLDERS.kubelet, ['pki']);
    },
    renewCertificates: (signal) => options.certificates.look(signal),
    writePodNetwork: () => options.writePodNetwork(firstPodCidrs(config())),
    async givePodNetwork(signal) {
      const podCidrs = firstPodCidrs(config());
      if (podCidrs.length === 0) return;
      const access = parseKubeconfig(await readFile(join(FOLDERS.kubernetes, 'admin.conf'), 'utf8'));
      const client = new KubeClient({ access, connectTo: own() });
      try {
        await givePodCidrs(client, { nodeName: nodeName(), podCidrs, log: logged }, signal);
      } finally {
        client.close();
      }
    },
    hasKubeletCredentials: () => hasKubeletCredentials(FOLDERS.kubernetes),
    async startKubelet() {
      const now = input();
      // kubeadm has written that of the first node: what is of this node alone is not in it.
      await writeFilesBeneath(files, FOLDERS.kubelet, [kubeletConfigFile(now)]);
      await makeKubeletServing({ files, facts: now.facts });
      await startKubelet(init, FOLDERS.kubelet, kubeletFlags(now));
    },
    kubeletStarted: () => options.kubeletStarted(),
    stopKubelet: () => stopService(init, KUBELET_ID),
    askApi(place, signal) {
      const where =
        place === 'own'
          ? ({ ...own(), identity: 'cluster' } as const)
          : ({ ...endpointOf(config()), identity: 'host' } as const);
      return askApiServer({ ...where, ca: ca() }, signal);
    },
    cordon: (signal) => cordon(nodeName(), signal),
    async uncordon(signal) {
      const result = await uncordon(nodeName(), signal);
      if (result === 'open') log.notice('pods may be put on this node again');
      if (result === 'kept') log.notice('no pod is put on this node: it is cordoned by somebody else as well');
    },
    evictPods: (isForGood, signal) =>
      withNodeClient(async (client) => {
        const startedMs = performance.now();
        const about = { nodeName: nodeName(), eviction: evictionApi(release), isForGood };
        const result = await drain({ client, ...about, log: (text) => log.info(text) }, signal);
        log.notice(describeDrain(result, performance.now() - startedMs));
      }),
    removeEtcdMember(signal) {
      const own = placeOf(config());
      const addresses = facts().addresses.map(addressOf);
      const others = options.apiServers().filter(({ host }) => !addresses.includes(host));
      const places = [own, ...others.map(({ host }) => ({ ...own, host }))];
      return removeEtcdMember({ config: config(), nodeName: nodeName(), addresses, places }, signal);
    },
    tell(about) {
      status.setMembership(about?.text);
      if (about === undefined || about.text === lastTold) return;
      lastTold = about.text;
      if (about.isProblem) log.problem(about.text);
      else log.info(about.text);
    },
    notice: (text) => log.notice(text),
    sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }),
    random: Math.random,
    nowMs: () => performance.now(),
  };
}

/** One that a power cut has taken is made anew. */
function textOfMissing(error: unknown): string {
  if (errorCode(error) === 'ENOENT') return '';
  throw error;
}
