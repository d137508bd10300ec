import type { HardwareRequest } from './hardware.js';
import type { Accelerator } from './machines.js';

/** Who to ask, and with which client certificate (PEM), while the API is waited for. */
export interface ApiTarget {
  readonly endpoint: string;
  readonly ca: string;
  readonly crt: string;
  readonly key: string;
}

/** Kubernetes on the nodes of a cluster. */
export interface KubernetesOptions {
  /** What the root image has: 'v1.20.2'. */
  readonly version: string;
  /** Whether nodes may reach what is beyond this machine, for images that are not in the root image. */
  readonly pullsImages?: boolean | undefined;
  /** Tells the first control plane to begin the cluster, once. */
  readonly bootstrap: (target: ApiTarget, signal: AbortSignal) => Promise<void>;
}

/** What createCluster (create.ts) is told. */
export interface CreateOptions extends HardwareRequest {
  readonly name: string;
  /** What the node boots, built for `arch`: absolute paths. */
  readonly kernel: string;
  readonly initramfs: string;
  /** A disk whose partition `talos-root` is the root image. */
  readonly rootDisk: string;
  /** Of the root image: without it stage0 does not trust the image. */
  readonly rootHash: string;
  /** UEFI firmware that starts the kernel: needed with `firmware: 'uefi'`. The machine gets a copy of the variables. */
  readonly uefi?: { readonly code: string; readonly variables: string } | undefined;
  /** How many of each: 1 and 0 unless said otherwise. */
  readonly controlPlanes?: number | undefined;
  readonly workers?: number | undefined;
  /** Of each node, as what follows. */
  readonly cpus?: number | undefined;
  readonly memoryMib?: number | undefined;
  /** Begins a Kubernetes cluster, and waits until every node is Ready; without it nodes are left without. */
  readonly kubernetes?: KubernetesOptions | undefined;
  /** Size of the empty disk for what the node keeps; none without it. */
  readonly diskBytes?: number | undefined;
  readonly extraKernelArguments?: readonly string[] | undefined;
  /** Asks the API for its version once; without it nothing is waited for. */
  readonly probe?: ((target: ApiTarget, signal: AbortSignal) => Promise<void>) | undefined;
  readonly waitTimeoutMs?: number | undefined;
  /** False: the disk is made but not plugged in, and the node waits for one; nothing is waited for here then. */
  readonly withConfigDisk?: boolean | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** The client config that gets the context; that of the environment unless it is named. */
  readonly talosconfig?: string | undefined;
  /** What is being done, for people. */
  readonly onProgress?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
