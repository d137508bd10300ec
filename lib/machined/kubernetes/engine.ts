/**
 * Makes this node a member of its cluster, and keeps it one.
 *
 * | state        | meaning                                             | left by                                                         |
 * |--------------|-----------------------------------------------------|-----------------------------------------------------------------|
 * | preparing    | folders, mounts, the journal                        | the journal was read                                            |
 * | blocked      | config, release, node or journal do not go together | a config with which they do                                     |
 * | waiting      | no member, and none begun                           | control plane: Bootstrap, or the API's answer; worker: the API's answer |
 * | initialising | kubeadm's phases of the first control plane         | the last one                                                    |
 * | joining      | kubeadm's phases of all others                      | the last one                                                    |
 * | member       | the kubelet runs                                    | -                                                               |
 *
 * What fails is said (`tell`) and tried again, later each time. Each phase that is through is in the journal before the next one begins, so whoever comes after a
 * power cut, or an end of machined, goes on behind it.
 */
import { errorCode, errorMessage } from '../../base/errors.js';
import { MINUTE_MS, SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import { NO_ADDRESS } from '../../kube/node-address.js';
import { NOT_THE_CLUSTERS } from './ask-api.js';
import type { EngineEffects } from './effects.js';
import { type Journal, journalProblem } from './journal.js';
import { Patience } from './patience.js';
import { type MembershipKind, type Phase, phasesOf } from './phases.js';
import { Presence } from './presence.js';
import { remakeControlPlane } from './remake.js';
import { untilAborted } from './until-aborted.js';

export type EngineState = 'preparing' | 'blocked' | 'waiting' | 'initialising' | 'joining' | 'member';

/** Between two looks at a server of the API that does not answer yet. */
const LOOK_AGAIN_MS = SECOND_MS;
/** For how long a control plane may take to come up before that is a failure. */
const CONTROL_PLANE_PATIENCE_MS = 10 * MINUTE_MS;
const KUBELET_START = 'kubelet-start';

export class KubernetesEngine {
  private current: EngineState = 'preparing';
  private journal: Journal | undefined;
  /** Decisions about how this node begins, one after the other. */
  private deciding: Promise<unknown> = Promise.resolve();
  private decided = () => {};
  private whenPrepared = () => {};
  /** Resolves when it is known what this node is. */
  private readonly prepared = new Promise<void>((resolve) => {
    this.whenPrepared = resolve;
  });

  private readonly patience: Patience;
  /** How it goes away and comes back. */
  readonly presence: Presence;

  constructor(private readonly effects: EngineEffects) {
    this.patience = new Patience(effects);
    this.presence = new Presence(effects, () => this.journal);
  }

  get state(): EngineState {
    return this.current;
  }

  /** Resolves when the node is a member, with all images, or the signal came. Rejects only for faults of ours. */
  async run(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    try {
      await this.patience.persist('the folders of Kubernetes cannot be prepared', signal, () => effects.prepare());
      this.journal = await this.patience.persist('the journal cannot be read', signal, () => effects.readJournal());
      this.whenPrepared();
      const images = this.bring('needed', signal);
      // Whoever needs them waits for them; nobody does when the node goes down before.
      images.catch(() => {});
      await this.fit(signal);
      const journal = this.journal ?? (await this.begin(signal));
      if (journal.isMember) await this.resume(journal, images, signal);
      else await this.becomeMember(journal, images, signal);
      this.current = 'member';
      effects.tell(undefined);
      // No node waits for them.
      await this.bring('others', signal);
      effects.tell(undefined);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * Makes this node the first control plane, once it is known that it is none yet. Resolves when that is written down; the phases follow.
   * @param signal  whose end is that of whoever asks
   * @throws ControlError ALREADY_EXISTS  there is a cluster, as far as this node knows · FAILED_PRECONDITION · the reason of the signal
   */
  async bootstrap(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    if (effects.nodeType !== 'controlplane') {
      throw new ControlError('FAILED_PRECONDITION', 'this node is a worker: call Bootstrap on a control plane');
    }
    await untilAborted(this.prepared, signal);
    await this.exclusively(async () => {
      this.refuseAgain();
      const problems = effects.problems();
      // A node is asked for this as soon as its API answers, which may be before its network is there.
      const isPassing = problems.every((problem) => problem === NO_ADDRESS);
      if (problems.length > 0) {
        throw new ControlError(isPassing ? 'UNAVAILABLE' : 'FAILED_PRECONDITION', problems.join('; '));
      }
      const isThere = await effects.askApi('endpoint', signal).then(
        () => true,
        (error: unknown) => {
          // A question that was cut off is no answer: there may be a cluster, and nobody waits for another one any more.
          signal.throwIfAborted();
          if (errorCode(error) !== NOT_THE_CLUSTERS) return false;
          const text = `another server answers at ${effects.endpoint()}, where the cluster is to be: ${errorMessage(error)}`;
          throw new ControlError('FAILED_PRECONDITION', text, { cause: error });
        },
      );
      if (isThere) {
        const text = `there is a cluster already: its API answers at ${effects.endpoint()}, and this node joins it by itself`;
        throw new ControlError('ALREADY_EXISTS', text);
      }
      await this.decide('init');
    });
  }

  private refuseAgain(): void {
    if (this.journal === undefined) return;
    const { isMember, kind, done } = this.journal;
    const last = done.at(-1);
    const far = last === undefined ? '' : `, phase ${last} is done`;
    if (isMember) throw new ControlError('ALREADY_EXISTS', 'this node is a member of its cluster already');
    const what = kind === 'init' ? 'becoming the first control plane' : 'joining its cluster';
    throw new ControlError('ALREADY_EXISTS', `this node is ${what} already${far}`);
  }

  private bring(which: 'needed' | 'others', signal: AbortSignal): Promise<void> {
    const { effects } = this;
    return this.patience.persist('images cannot be imported', signal, () => effects.importImages(which, signal));
  }

  /** Waits for a config that can be lived with. */
  private async fit(signal: AbortSignal): Promise<void> {
    await this.patience.persist('Kubernetes is not started', signal, async () => {
      const { journal, effects } = this;
      const ofJournal = journal && journalProblem(journal, effects.facts());
      const problems = [...(ofJournal === undefined ? [] : [ofJournal]), ...effects.problems()];
      if (problems.length === 0) return;
      this.current = 'blocked';
      throw new Error(problems.join('; '));
    });
  }

  /** Waits until it is decided how this node begins. */
  private async begin(signal: AbortSignal): Promise<Journal> {
    const { effects } = this;
    this.current = 'waiting';
    const isWorker = effects.nodeType === 'worker';
    const called = new Promise<void>((resolve) => {
      this.decided = resolve;
    });
    for (;;) {
      // Before each look: Bootstrap may have come meanwhile.
      if (this.journal) return this.journal;
      try {
        await Promise.race([effects.askApi('endpoint', signal), called]);
        await this.exclusively(async () => {
          if (this.journal === undefined) await this.decide('join');
        });
      } catch (error) {
        signal.throwIfAborted();
        const why = `the Kubernetes API at ${effects.endpoint()} (${errorMessage(error)})`;
        const text = isWorker
          ? `waits for ${why} to join its cluster: see that cluster.controlPlane.endpoint is right, and a control plane runs there`
          : `waits for Bootstrap (osctl bootstrap, on one control plane), or for ${why} to join its cluster`;
        effects.tell({ text, isProblem: errorCode(error) === NOT_THE_CLUSTERS });
        await Promise.race([this.patience.pause(LOOK_AGAIN_MS, signal), called]);
      }
    }
  }

  private async decide(kind: MembershipKind): Promise<void> {
    // One that joins is made from what the cluster says of itself.
    const made = kind === 'init' ? { controlPlane: this.effects.controlPlaneDigest() } : {};
    const journal: Journal = { kind, ...this.effects.facts(), done: [], isMember: false, ...made };
    await this.effects.writeJournal(journal);
    this.journal = journal;
    this.decided();
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.deciding.then(work);
    this.deciding = done.catch(() => {});
    return done;
  }

  /** After a boot, or an end of machined. */
  private async resume(journal: Journal, images: Promise<void>, signal: AbortSignal): Promise<void> {
    const { effects } = this;
    const { kind, isMember } = journal;
    // The config may be another one than it was.
    await this.patience.persist('the files of Kubernetes cannot be written', signal, () => effects.writeFiles(kind));
    await images;
    if (effects.nodeType === 'controlplane') {
      // Before there is anybody who reads it.
      if (isMember) {
        const what = 'the control plane cannot be made what the config says';
        await this.patience.persist(what, signal, async () => {
          this.journal = await remakeControlPlane(effects, journal, signal);
        });
      }
      await effects.renewCertificates(signal);
    }
    await this.patience.persist('the kubelet cannot be started', signal, () => effects.startKubelet());
    effects.kubeletStarted();
  }

  private async becomeMember(begun: Journal, images: Promise<void>, signal: AbortSignal): Promise<void> {
    const { effects } = this;
    const { kind } = begun;
    const startedMs = effects.nowMs();
    this.current = kind === 'init' ? 'initialising' : 'joining';
    const phases = phasesOf({ kind, nodeType: effects.nodeType, ...effects.choice() });
    if (begun.done.includes(KUBELET_START)) await this.resume(begun, images, signal);
    let journal = begun;
    for (const [index, phase] of phases.entries()) {
      if (journal.done.includes(phase.name)) continue;
      const what = `${kind} phase ${phase.name} (${index + 1} of ${phases.length})`;
      await this.patience.persist(`${what} failed`, signal, async () => {
        effects.tell({ text: what, isProblem: false });
        await this.runPhase(phase, kind, images, signal);
        await effects.flush();
        const next = { ...journal, done: [...journal.done, phase.name] };
        await effects.writeJournal(next);
        journal = next;
        this.journal = next;
      });
      // Before the last phase: a node is Ready the sooner.
      if (phase.name === KUBELET_START) effects.kubeletStarted();
    }
    await this.patience.persist('the membership cannot be written down', signal, async () => {
      const next = { ...journal, isMember: true };
      await effects.writeJournal(next);
      this.journal = next;
    });
    const seconds = ((effects.nowMs() - startedMs) / SECOND_MS).toFixed(1);
    const how = kind === 'init' ? 'is the first control plane of its cluster' : 'has joined its cluster';
    effects.notice(`Kubernetes ${begun.release}: this node ${how}, after ${seconds} s`);
  }

  private async runPhase(
    phase: Phase,
    kind: MembershipKind,
    images: Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { effects } = this;
    if (phase.kubeadm === undefined) {
      await this.waitForOwnServer(signal);
      if (kind === 'init') await effects.givePodNetwork(signal);
      return;
    }
    const onStartKubelet = async () => {
      // What it is started with is on the medium before it can have a certificate, by which this phase would count as done after a cut.
      await effects.flush();
      await effects.startKubelet();
    };
    const run = { signal, onStartKubelet };
    if (phase.startsKubelet) {
      await images;
      // It was let in, and was cut off before that was written down: kubeadm would find a node of its own name in the cluster, and refuse.
      if (kind === 'join' && (await effects.hasKubeletCredentials())) return await effects.startKubelet();
      await effects.stopKubelet();
      if (kind === 'init') await effects.writePodNetwork();
    }
    if (phase.leaves !== undefined) await effects.removeLeftovers(phase.leaves);
    const config = await effects.writeFiles(kind);
    await effects.kubeadm([...phase.kubeadm, `--config=${config}`], run);
  }

  private async waitForOwnServer(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    const untilMs = effects.nowMs() + CONTROL_PLANE_PATIENCE_MS;
    for (;;) {
      try {
        return await effects.askApi('own', signal);
      } catch (error) {
        signal.throwIfAborted();
        if (effects.nowMs() > untilMs) throw error;
        await this.patience.pause(LOOK_AGAIN_MS, signal);
      }
    }
  }
}
