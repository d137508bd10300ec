/** Where the programs and images of a Kubernetes release come from: one interface, and an implementation for each ReleaseSource. */
import type { Progress } from '../../base/build-cache.js';
import type { Component, ReleaseSource } from '../../kube/release.js';
import type { Architecture } from '../architecture.js';
import type { PackageRecord } from '../packages.js';

/** Components whose images a root image may carry. */
export type ImageComponent = Component | 'coredns';

/** Programs that run on the node itself. */
export const HOST_PROGRAMS = ['kubelet', 'kubeadm'] as const;
export type HostProgram = (typeof HOST_PROGRAMS)[number];

/** A module of Go that is linked into programs. */
export interface GoModule {
  readonly name: string;
  readonly version: string;
}

/** What a release consists of, for one architecture. */
export interface KubernetesArtifacts {
  /** What tells it apart from others; anything that JSON can tell apart. */
  readonly identity: unknown;
  /** Absolute paths. */
  readonly programs: Readonly<Record<HostProgram, string>>;
  /** Absolute paths of OCI archives of one image each. Those that are not there the nodes pull from the row's registry. */
  readonly archives: ReadonlyMap<ImageComponent, string>;
  /** A sentence for the bill of materials. */
  readonly origin: string;
  /** Debian packages whose files are in the archives. */
  readonly packages: readonly PackageRecord[];
  /** Inside of the programs, as far as it is known: what others have built does not say it in a way that can be read here. */
  readonly modules: readonly GoModule[];
}

/** One way to a release. */
export interface KubernetesSource {
  readonly kind: ReleaseSource;
  /** Fetches or builds what is not in the cache yet. */
  readonly artifacts: (arch: Architecture, onProgress: Progress) => Promise<KubernetesArtifacts>;
}
