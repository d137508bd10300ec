/** What tests of the engine have in common: how it is run, and what a control plane that is made anew is made by. */
import { KubernetesEngine } from '../../../../lib/machined/kubernetes/engine.js';
import type { FakeNode } from './fake-node.js';

export const never = new AbortController().signal;

/** Resolves when it waits for Bootstrap; never, when the power was cut before. */
export async function waiting(engine: KubernetesEngine, node: FakeNode): Promise<void> {
  while (engine.state !== 'waiting') {
    if (node.isCut) await new Promise<never>(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs an engine whose node is called to bootstrap as soon as it waits for that. */
export async function runInit(node: FakeNode): Promise<KubernetesEngine> {
  const engine = new KubernetesEngine(node);
  const running = engine.run(never);
  await waiting(engine, node);
  await engine.bootstrap(never);
  await running;
  return engine;
}

/** By which a control plane is made anew. */
export const REMADE = ['init phase certs apiserver', 'init phase etcd local', 'init phase control-plane all'];
