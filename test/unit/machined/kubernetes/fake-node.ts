/** A node for the engine that does nothing but remember, and fails where it is told to. What it keeps outlives an engine, as a disk does. */
import type { ApiServerPlace, EngineEffects, KubeadmRun } from '../../../../lib/machined/kubernetes/effects.js';
import type { Journal, JournalFacts } from '../../../../lib/machined/kubernetes/journal.js';
import type { MembershipKind, PhaseChoice } from '../../../../lib/machined/kubernetes/phases.js';

export const FACTS: JournalFacts = { authority: 'a1', nodeName: 'node-1', release: 'v1.20.2' };

export class FakeNode implements EngineEffects {
  /** What was done, in order: 'kubeadm init phase certs all', 'start kubelet'. */
  readonly calls: string[] = [];
  readonly told: string[] = [];
  readonly notices: string[] = [];
  readonly sleeps: number[] = [];
  journal: Journal | undefined;
  isKubeletRunning = false;
  /** Whether the kubelet ran, each time that it was said. */
  readonly lookedAfter: boolean[] = [];
  hasCredentials = false;
  isApiUp = false;
  /** Nothing of it happens any more. */
  isCut = false;
  isOwnServerUp = true;
  wrong: string[] = [];
  digest = 'd1';
  controlPlaneWrong: string | undefined;
  ownFacts = FACTS;
  /** What the next call of that name fails with; once each. */
  readonly failures = new Map<string, string>();
  /** Called before each call; throws to be cut off there. */
  onCall: (call: string) => void | Promise<void> = () => {};
  private clockMs = 0;

  constructor(
    readonly nodeType: PhaseChoice['nodeType'] = 'controlplane',
    private readonly version = 'v1.20.2',
  ) {}

  endpoint() {
    return 'https://10.5.0.2:6443';
  }
  facts() {
    return this.ownFacts;
  }
  problems() {
    return this.wrong;
  }
  choice() {
    const images = { coredns: undefined } as unknown as PhaseChoice['release']['images'];
    return { release: { version: this.version, images }, withKubeProxy: true, withCoreDns: true };
  }
  controlPlaneDigest() {
    return this.digest;
  }
  async controlPlaneProblem() {
    return this.controlPlaneWrong;
  }
  prepare() {
    return this.call('prepare');
  }
  async readJournal() {
    await this.call('read journal');
    return this.journal;
  }
  async writeJournal(journal: Journal) {
    await this.call(`journal ${journal.isMember ? 'member' : (journal.done.at(-1) ?? 'begun')}`);
    this.journal = journal;
  }
  importImages(which: 'needed' | 'others') {
    return this.call(`import ${which} images`);
  }
  removeLeftovers(kinds: readonly string[]) {
    return this.call(`remove ${kinds.join(' and ')}`);
  }
  async writeFiles(kind: MembershipKind) {
    await this.call(`write ${kind} files`);
    return `/run/${kind}.yaml`;
  }
  async kubeadm(argv: readonly string[], { onStartKubelet }: KubeadmRun) {
    await this.call(`kubeadm ${argv.join(' ')}`);
    if (!argv.includes('kubelet-start')) return;
    await onStartKubelet();
    this.hasCredentials = argv[0] === 'join';
  }
  flush() {
    return this.call('flush');
  }
  renewCertificates() {
    return this.call('renew certificates');
  }
  writePodNetwork() {
    return this.call('write pod network');
  }
  givePodNetwork() {
    return this.call('give pod network');
  }
  async hasKubeletCredentials() {
    return this.hasCredentials;
  }
  async startKubelet() {
    await this.call('start kubelet');
    this.isKubeletRunning = true;
  }
  kubeletStarted() {
    this.lookedAfter.push(this.isKubeletRunning);
  }
  async stopKubelet() {
    if (this.isKubeletRunning) await this.call('stop kubelet');
    this.isKubeletRunning = false;
  }
  async askApi(place: ApiServerPlace) {
    await this.call(`ask ${place}`);
    if (!(place === 'own' ? this.isOwnServerUp : this.isApiUp)) throw new Error('connection refused');
  }
  cordon() {
    return this.call('cordon');
  }
  uncordon() {
    return this.call('uncordon');
  }
  evictPods(isForGood: boolean) {
    return this.call(isForGood ? 'evict pods for good' : 'evict pods');
  }
  removeEtcdMember() {
    return this.call('remove etcd member');
  }
  tell(status: { text: string; isProblem: boolean } | undefined) {
    this.told.push(status === undefined ? 'member' : `${status.isProblem ? 'problem: ' : ''}${status.text}`);
  }
  notice(text: string) {
    this.notices.push(text);
  }
  async sleep(ms: number, signal: AbortSignal) {
    signal.throwIfAborted();
    this.sleeps.push(ms);
    this.clockMs += ms;
    await this.onCall('sleep');
    // A turn of the event loop, so that others come to their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  random() {
    return 0.5;
  }
  nowMs() {
    return this.clockMs;
  }

  /** Those of kubeadm, without its configuration. */
  get phases(): string[] {
    return this.calls
      .filter((call) => call.startsWith('kubeadm'))
      .map((call) => call.replace(/^kubeadm | --config=.*$/g, ''));
  }

  private async call(name: string): Promise<void> {
    await this.onCall(name);
    this.calls.push(name);
    const failure = [...this.failures].find(([key]) => name.startsWith(key));
    if (failure === undefined) return;
    this.failures.delete(failure[0]);
    throw new Error(failure[1]);
  }
}
