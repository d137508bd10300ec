/** Kubernetes as the rest of machined sees it. What does the work is loaded where the image has it. */
import { readFile } from 'node:fs/promises';
import { isTimeout, withDeadline, withSignals } from '../../base/abort.js';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import type { Service } from '../../control/protocol.js';
import { INSTALLED_RELEASE_FILE, parseInstalledRelease } from '../../kube/release.js';
import type { KubernetesEngine } from './engine.js';
import { KubeletStatus } from './kubelet-status.js';
import type { NodeKubernetesOptions } from './node-kubernetes.js';
import { untilAborted } from './until-aborted.js';

/** A node looks at its disks once its API is served; whoever asks then is early, and not wrong. */
const PATIENCE_MS = 45 * SECOND_MS;

/** The kubelet as init has it, and the release that it is of. */
export interface KubeletService {
  service: Service;
  /** 'v1.20.2' */
  version: string;
}

/** What is shown of Kubernetes on this node is what is shown of its kubelet. */
const KUBELET_ID = 'kubelet';

export class Kubernetes {
  private readonly stopped = new AbortController();
  private whenStarted: (engine: KubernetesEngine | undefined) => void = () => {};
  /** undefined: the image has no Kubernetes. */
  private readonly engine = new Promise<KubernetesEngine | undefined>((resolve) => {
    this.whenStarted = resolve;
  });
  private begun: KubernetesEngine | undefined;
  private readonly status: KubeletStatus;
  private manifestsProblem: string | undefined;
  private version: string | undefined;
  private readonly file: string;
  private readonly patienceMs: number;

  /** @param more.file  what the image says about the Kubernetes in it */
  constructor(
    private readonly options: Omit<NodeKubernetesOptions, 'installed' | 'status'>,
    more: { file?: string; patienceMs?: number } = {},
  ) {
    this.file = more.file ?? INSTALLED_RELEASE_FILE;
    this.patienceMs = more.patienceMs ?? PATIENCE_MS;
    const { init, log } = options;
    this.status = new KubeletStatus(({ isHealthy, text }) => {
      init
        .request('reportHealth', { healthy: isHealthy, message: text, service: KUBELET_ID })
        .catch((error: unknown) => log.info(`init was not told: ${errorMessage(error)}`));
    });
  }

  /** What of the cluster's manifests this node cannot bring into it; undefined: nothing. */
  setManifestsProblem(text: string | undefined): void {
    if (text !== undefined && text !== this.manifestsProblem) this.options.log.problem(text);
    this.manifestsProblem = text;
    this.status.setManifests(text);
  }

  /**
   * Begins, in the background, once there is a place for what has to last.
   * @throws TalosError ERR_MANIFEST  the image does not fit this machined
   */
  async start(): Promise<void> {
    const text = await readFile(this.file, 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return this.whenStarted(undefined);
    if (this.stopped.signal.aborted) return;
    const { startKubernetes } = await import('./node-kubernetes.js');
    const { status } = this;
    const installed = parseInstalledRelease(text);
    this.version = installed.release.version;
    this.begun = startKubernetes({ ...this.options, status, installed }, this.stopped.signal);
    this.whenStarted(this.begun);
  }

  /**
   * Takes the node out of its cluster, before it is reset. Nothing where it is in none.
   * @throws ControlError FAILED_PRECONDITION  with what to do
   */
  async leave(signal: AbortSignal): Promise<void> {
    // One that has not begun knows nobody.
    await this.begun?.presence.leave(signal);
  }

  /** Moves pods away, before the node goes down for a while: a few minutes at most. Never rejects. */
  async drain(signal: AbortSignal): Promise<void> {
    const { begun } = this;
    if (begun) await withSignals([signal, this.stopped.signal], (ends) => begun.presence.drain(ends));
  }

  /** undefined: the image has none, or it is not known yet. @throws ControlError  of init */
  async kubelet(): Promise<KubeletService | undefined> {
    const { version } = this;
    if (version === undefined) return undefined;
    const { services } = (await this.options.init.request('listServices', {})).body;
    const service = services.find(({ id }) => id === KUBELET_ID);
    return service && { service, version };
  }

  /** Does not wait until it runs again. @throws ControlError NOT_FOUND  there is none · FAILED_PRECONDITION  of init: it has nothing to do yet */
  async restartKubelet(): Promise<void> {
    if (this.version === undefined) throw new ControlError('NOT_FOUND', 'this node has no kubelet');
    await this.options.init.request('controlService', { id: KUBELET_ID, action: 'RESTART' });
  }

  /** The node goes down: nothing is begun any more. */
  stop(): void {
    this.stopped.abort();
  }

  /**
   * Makes this node the first control plane of its cluster. Resolves when that is written down.
   * @throws ControlError  FAILED_PRECONDITION · UNAVAILABLE  it is not known yet what this node is · ALREADY_EXISTS
   */
  async bootstrap(signal: AbortSignal): Promise<void> {
    try {
      const isThere = await withDeadline(this.patienceMs, [signal, this.stopped.signal], async (ends) => {
        const engine = await untilAborted(this.engine, ends);
        await engine?.bootstrap(ends);
        return engine !== undefined;
      });
      if (isThere) return;
    } catch (error) {
      // A refusal that came with the end of the time says more than that it was over.
      if (error instanceof DOMException && error.cause instanceof ControlError) throw error.cause;
      if (!isTimeout(error)) throw error;
      throw new ControlError('UNAVAILABLE', 'this node still prepares its disks: try again in a while', {
        cause: error,
      });
    }
    const text = 'the image of this node has no Kubernetes: boot one that has (npm run image -- --kubernetes VERSION)';
    throw new ControlError('FAILED_PRECONDITION', text);
  }
}
