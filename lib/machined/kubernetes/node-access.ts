import { SECOND_MS } from '../../base/units.js';
import { applyNodeAccess, KubeClient, parseKubeconfig } from '../../kube/api/index.js';
import { untilDone } from './until-done.js';

export interface NodeAccessOptions {
  proxy: { host: string; port: number };
  log(text: string): void;
}

/** Nodes wait for it, this one among them; whom it asks first is on this node. */
const MAX_DELAY_MS = 3 * SECOND_MS;

/**
 * On a control plane: gives the nodes of the cluster what they may read of each other (lib/kube/api/node-access.ts), with the administrator's
 * kubeconfig, as soon as the API answers.
 */
export class NodeAccess {
  private readonly controller = new AbortController();

  private constructor(private readonly log: (text: string) => void) {}

  static begin(kubeconfig: string, { proxy, log }: NodeAccessOptions): NodeAccess {
    const access = new NodeAccess(log);
    void access.run(kubeconfig, proxy);
    return access;
  }

  stop(): void {
    this.controller.abort(new Error('the kubeconfig is another one'));
  }

  private async run(kubeconfig: string, connectTo: { host: string; port: number }): Promise<void> {
    const { signal } = this.controller;
    let client: KubeClient | undefined;
    const apply = async () => {
      client ??= new KubeClient({ access: parseKubeconfig(kubeconfig), connectTo });
      await applyNodeAccess(client, signal);
      this.log('nodes of the cluster may read what their network needs');
    };
    const problem = (text: string) => this.log(`nodes may not read each other yet: ${text}`);
    await untilDone(apply, { signal, problem, maxDelayMs: MAX_DELAY_MS });
    client?.close();
  }
}
