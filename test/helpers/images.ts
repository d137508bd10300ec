/** What a node of the test image boots; built when it is not in the cache. */
import { type Artifacts, buildArtifacts } from '../../lib/image/artifacts.js';
import type { KernelProfile } from '../../lib/image/kernel.js';
import { testArchitecture } from './architecture.js';

/** The release of Kubernetes that can be built from Debian's sources, and run without any other. */
export const KUBERNETES_VERSION = 'v1.20.2';

/** The shipped image with Kubernetes, plus the test layer; its programs take minutes to build where they are not in the cache. */
export function kubernetesTestImage(): Promise<Artifacts> {
  return buildArtifacts({ arch: testArchitecture, layer: 'test', kubernetes: { version: KUBERNETES_VERSION } });
}

/** A kernel, that of the shipped image unless said otherwise, and the shipped image plus the test layer. */
export function testImage(profile: KernelProfile = 'default'): Promise<Artifacts> {
  return buildArtifacts({ arch: testArchitecture, layer: 'test', profile });
}
