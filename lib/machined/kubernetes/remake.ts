import type { EngineEffects } from './effects.js';
import type { Journal } from './journal.js';
import { remakePhases } from './phases.js';

type RemakeEffects = Pick<
  EngineEffects,
  | 'choice'
  | 'controlPlaneDigest'
  | 'controlPlaneProblem'
  | 'flush'
  | 'kubeadm'
  | 'notice'
  | 'removeLeftovers'
  | 'writeFiles'
  | 'writeJournal'
>;

/**
 * Makes the control plane of a member what the config says now, where that is something else than it was made from: flags, names of the API server, and files
 * that it is told of. May be repeated, and is, when it was cut off: what is done is written down at its end.
 * @returns the journal as it is then
 * @throws Error  one sentence
 */
export async function remakeControlPlane(
  effects: RemakeEffects,
  journal: Journal,
  signal: AbortSignal,
): Promise<Journal> {
  const controlPlane = effects.controlPlaneDigest();
  if (journal.controlPlane === controlPlane) return journal;
  const problem = await effects.controlPlaneProblem();
  if (problem !== undefined) throw new Error(problem);
  for (const { kubeadm, leaves } of remakePhases(effects.choice().release)) {
    if (leaves !== undefined) await effects.removeLeftovers(leaves);
    // Also where the node has joined: these are phases of a first one. What was removed is there again if it is ours to make.
    const config = await effects.writeFiles('init');
    await effects.kubeadm([...kubeadm, `--config=${config}`], { signal, onStartKubelet: async () => {} });
  }
  await effects.flush();
  const next = { ...journal, controlPlane };
  await effects.writeJournal(next);
  effects.notice('the control plane of this node is made anew, as the config says now');
  return next;
}
