/** Kubernetes on a node whose image has it: the engine, and how the kubelet fares. What the node learns of its cluster then is in cluster.ts. */
import { errorMessage } from '../../base/errors.js';
import { KubernetesEngine } from './engine.js';
import type { StatusReport } from './kubelet-status.js';
import { watchKubelet } from './kubelet-watch.js';
import { type NodeEffectsOptions, nodeEffects } from './node-effects.js';

export type NodeKubernetesOptions = Omit<NodeEffectsOptions, 'kubeletStarted'>;

/** Begins, and goes on until the signal. */
export function startKubernetes(options: NodeKubernetesOptions, signal: AbortSignal): KubernetesEngine {
  const { log, status } = options;
  let isLookedAfter = false;
  const effects = nodeEffects({
    ...options,
    kubeletStarted() {
      if (isLookedAfter) return;
      isLookedAfter = true;
      const report = (state: StatusReport) => {
        status.setKubelet(state);
        if (state.isHealthy) void engine.presence.takePods(signal);
      };
      void watchKubelet({ report }, signal);
    },
  });
  const engine = new KubernetesEngine(effects);
  engine.run(signal).catch((error: unknown) => {
    log.problem(`Kubernetes is not looked after any more: ${errorMessage(error)}`);
  });
  return engine;
}
