/** What the engine does to the node: tests put fakes in its place (node-effects.ts has the real ones). */
import type { Journal, JournalFacts } from './journal.js';
import type { Leftover } from './leftovers.js';
import type { MembershipKind, PhaseChoice } from './phases.js';

/** Servers of the Kubernetes API: the one behind the cluster's endpoint, or the node's own. */
export type ApiServerPlace = 'endpoint' | 'own';

export interface KubeadmRun {
  /** Called when kubeadm expects the kubelet to be started. What it rejects with becomes the failure of the run. */
  onStartKubelet(): Promise<void>;
  /** Ends it. */
  signal: AbortSignal;
}

export interface EngineEffects {
  readonly nodeType: PhaseChoice['nodeType'];
  /** Of the cluster's endpoint, for people. */
  endpoint(): string;
  /** What the journal has to agree with. */
  facts(): JournalFacts;
  /** Why config, release and node do not go together: a sentence each. */
  problems(): readonly string[];
  /** The rest of what the phases depend on. */
  choice(): Pick<PhaseChoice, 'release' | 'withKubeProxy' | 'withCoreDns'>;
  /** Of what a control plane is made from: another one for another config. */
  controlPlaneDigest(): string;
  /** Why the control plane of this node cannot be made anew at the moment: a sentence. */
  controlPlaneProblem(): Promise<string | undefined>;
  /** Folders and mounts. May be repeated. */
  prepare(): Promise<void>;
  readJournal(): Promise<Journal | undefined>;
  /** Resolves when it is on the medium. */
  writeJournal(journal: Journal): Promise<void>;
  /**
   * Brings images of the release to the container runtime; those that are there are left alone. Waits for the runtime.
   * @param which  'needed': what a node of this type runs itself; 'others': the rest, for pods
   */
  importImages(which: 'needed' | 'others', signal: AbortSignal): Promise<void>;
  /**
   * Writes what the machine config says: files that kubeadm takes as they are, and its configuration.
   * @returns path of the latter
   */
  writeFiles(kind: MembershipKind): Promise<string>;
  /** Removes what a phase has left that was cut off. */
  removeLeftovers(kinds: readonly Leftover[]): Promise<void>;
  /** Resolves when it has ended well. @throws TalosError ERR_KUBEADM  one sentence */
  kubeadm(argv: readonly string[], run: KubeadmRun): Promise<void>;
  /** Puts on the medium what kubeadm has written. */
  flush(): Promise<void>;
  /** Of a control plane: certificates that have served half of their time are issued anew. What does not work is said; never rejects. */
  renewCertificates(signal: AbortSignal): Promise<void>;
  /** The kubelet has a certificate of its own: a joining one has been let in. */
  hasKubeletCredentials(): Promise<boolean>;
  /** Of the first control plane: the network that its pods will have is there before its kubelet asks for one. Never rejects. */
  writePodNetwork(): Promise<void>;
  /** Of the first control plane, before there is a controller manager: its Node has that network. What does not work is said; rejects with the reason of the signal. */
  givePodNetwork(signal: AbortSignal): Promise<void>;
  /** With the flags that kubeadm has written; where it runs already, nothing. */
  startKubelet(): Promise<void>;
  /** It runs: how it fares can be asked. May be called again. */
  kubeletStarted(): void;
  /** Resolves when it has ended. */
  stopKubelet(): Promise<void>;
  /** Resolves when that server is ready. @throws Error  why it is not, or nobody answers, in a sentence */
  askApi(place: ApiServerPlace, signal: AbortSignal): Promise<void>;
  /** No pod is put on this node any more. @throws Error  one sentence */
  cordon(signal: AbortSignal): Promise<void>;
  /** What `cordon` has said is taken back, if it has. @throws Error  one sentence */
  uncordon(signal: AbortSignal): Promise<void>;
  /**
   * Has the pods of this node end in order, and waits until they are gone: not for longer than there is patience for. What became of it is said.
   * @param isForGood  the node does not come back: pods that nobody makes anew go as well
   * @throws Error  one sentence · the reason of the signal
   */
  evictPods(isForGood: boolean, signal: AbortSignal): Promise<void>;
  /** The cluster's etcd does not count on this node any more. @throws Error  one sentence */
  removeEtcdMember(signal: AbortSignal): Promise<void>;
  /** What the node is about, while it is no member. undefined: it is one. */
  tell(status: { text: string; isProblem: boolean } | undefined): void;
  /** To the log and the console. */
  notice(text: string): void;
  /** Rejects with the reason of the signal. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
  nowMs(): number;
}
