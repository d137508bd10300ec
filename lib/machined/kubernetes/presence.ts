/**
 * How a member of a cluster goes away and comes back.
 *
 * | occasion             | what                                                       | what does not work              |
 * |----------------------|------------------------------------------------------------|---------------------------------|
 * | reboot, shutdown     | no new pods; its pods move away                            | is said, and the node goes down |
 * | the kubelet is back  | pods may be put on it again, unless somebody else says no  | is tried again                  |
 * | reset                | no new pods; its pods move away; etcd without it           | the node stays as it was        |
 *
 * Pods that are left when there is no more patience keep no node from going.
 */
import { withDeadline, withSignals } from '../../base/abort.js';
import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import type { EngineEffects } from './effects.js';
import type { Journal } from './journal.js';
import { untilDone } from './until-done.js';

export type PresenceEffects = Pick<
  EngineEffects,
  'cordon' | 'evictPods' | 'hasKubeletCredentials' | 'nodeType' | 'notice' | 'removeEtcdMember' | 'uncordon'
>;

/** For each thing that is asked of the cluster when the node leaves it. */
const LEAVE_STEP_MS = 45 * SECOND_MS;
const CORDON_MS = 30 * SECOND_MS;
/** Between two attempts to have pods put on this node again. */
const MAX_RETURN_DELAY_MS = 10 * SECOND_MS;

export class Presence {
  /** Ends the attempts to have pods put on this node. */
  private readonly returning = new AbortController();
  private isBack = false;

  /** @param journal  of the membership, as it is now */
  constructor(
    private readonly effects: PresenceEffects,
    private readonly journal: () => Journal | undefined,
  ) {}

  /**
   * Takes the node out of its cluster, before it is reset. One that the cluster does not know has nothing to leave.
   * @throws ControlError FAILED_PRECONDITION  with what to do
   */
  async leave(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    const journal = this.journal();
    if (journal === undefined) return;
    // A member that may not say so any more, since its certificate has expired, is one all the same.
    if (!journal.isMember && !(await effects.hasKubeletCredentials())) return;
    // A first control plane that is not through is a cluster that nobody else is in.
    if (journal.kind === 'init' && !journal.isMember) return;
    this.returning.abort();
    try {
      await withDeadline(LEAVE_STEP_MS, [signal], (ends) => effects.cordon(ends));
      await effects.evictPods(true, signal);
      if (effects.nodeType === 'controlplane') {
        await withDeadline(LEAVE_STEP_MS, [signal], (ends) => effects.removeEtcdMember(ends));
      }
    } catch (cause) {
      // It stays what it was.
      await withDeadline(CORDON_MS, [], (ends) => effects.uncordon(ends)).catch(() => {});
      const why = `this node cannot leave its cluster: ${errorMessage(cause)}`;
      const what = 'without leaving it is reset by osctl reset --graceful=false';
      throw new ControlError('FAILED_PRECONDITION', `${why}; ${what}`, { cause });
    }
  }

  /** Moves pods away before the node goes down for a while. Never rejects. */
  async drain(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    this.returning.abort();
    if (this.journal()?.isMember !== true) return;
    try {
      await withDeadline(CORDON_MS, [signal], (ends) => effects.cordon(ends));
      await effects.evictPods(false, signal);
    } catch (error) {
      effects.notice(`pods are not moved away: ${errorMessage(error)}`);
    }
  }

  /**
   * The kubelet runs: pods may be put on this node. Once, until it works or the node goes away. Never rejects.
   *
   * A node that becomes a member has not said anything of itself yet, and its API server may still have to start.
   */
  async takePods(signal: AbortSignal): Promise<void> {
    const { effects } = this;
    if (this.isBack || this.journal()?.isMember !== true) return;
    this.isBack = true;
    await withSignals([signal, this.returning.signal], (either) =>
      untilDone((ends) => effects.uncordon(ends), {
        signal: either,
        problem: (text) => effects.notice(`it is not known yet whether pods may be put on this node: ${text}`),
        maxDelayMs: MAX_RETURN_DELAY_MS,
      }),
    );
  }
}
