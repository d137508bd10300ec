/** Kubernetes on a node whose image has it: the engine, and how the kubelet fares. What the node learns of its cluster then is in cluster.ts. */
import { errorMessage } from '../../base/errors.js';
import { CertificateKeeper } from './certificate-keeper.js';
import { KubernetesEngine } from './engine.js';
import type { StatusReport } from './kubelet-status.js';
import { watchKubelet } from './kubelet-watch.js';
import { type NodeEffectsOptions, nodeEffects } from './node-effects.js';
import { renewCertificates } from './renewal.js';
import { restartControlPlane } from './restart-control-plane.js';

export type NodeKubernetesOptions = Omit<NodeEffectsOptions, 'kubeletStarted' | 'certificates'>;

/** Begins, and goes on until the signal. */
export function startKubernetes(options: NodeKubernetesOptions, signal: AbortSignal): KubernetesEngine {
  const { log, status, files, containerd } = options;
  let isLookedAfter = false;
  const certificates = new CertificateKeeper({
    renew: () => renewCertificates({ files, config: options.config() }),
    restart: (ends) => restartControlPlane(containerd, ends),
    notice: (text) => log.notice(text),
    problem: (text) => log.problem(text),
  });
  const effects = nodeEffects({
    ...options,
    certificates,
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
  const isControlPlane = effects.nodeType === 'controlplane';
  const run = async () => {
    await engine.run(signal);
    if (isControlPlane) await certificates.keep(signal);
  };
  run().catch((error: unknown) => {
    log.problem(`Kubernetes is not looked after any more: ${errorMessage(error)}`);
  });
  return engine;
}
