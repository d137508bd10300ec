/** One pod as a kubelet would ask for it, in the network of the node: its image, its sandbox and its container. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type ContainerdConnection, ensureNamespace, importArchive } from '../../../lib/containerd/index.js';
import type { Architecture } from '../../../lib/image/architecture.js';
import { compileStaticProgram } from '../../../lib/image/compile.js';
import { writeOciArchive } from '../../../lib/image/oci-archive.js';
import { checkout } from '../checkout.js';
import type { Message } from './client.js';

const NAMESPACE = 'k8s.io';
const POD = { name: 'web', uid: '0b5e0a6c-0000-4000-8000-000000000001', namespace: 'default' };
const CONTAINER = 'chatty';
const PROGRAM = 'chatty';
const LABELS = {
  'io.kubernetes.pod.name': POD.name,
  'io.kubernetes.pod.namespace': POD.namespace,
  'io.kubernetes.pod.uid': POD.uid,
};
/** NODE has no CNI configuration to ask for. */
const NAMESPACES = { network: 'NODE', pid: 'CONTAINER', ipc: 'POD' };

/** Who the container runs as. */
export const POD_UID = 65_534;
export const POD_GROUP = `/kubepods/pod${POD.uid}`;

/** Of RunPodSandbox. */
export const sandboxConfig: Message = {
  metadata: POD,
  logDirectory: `/var/log/pods/${POD.namespace}_${POD.name}_${POD.uid}`,
  labels: LABELS,
  linux: { cgroupParent: POD_GROUP, securityContext: { namespaceOptions: NAMESPACES, seccomp: {} } },
};

/** Of CreateContainer. @param image  its name */
export function containerConfig(image: string): Message {
  return {
    metadata: { name: CONTAINER },
    image: { image },
    labels: { ...LABELS, 'io.kubernetes.container.name': CONTAINER },
    logPath: `${CONTAINER}/0.log`,
    linux: {
      resources: { memoryLimitInBytes: 64 * 1024 * 1024 },
      securityContext: {
        namespaceOptions: NAMESPACES,
        runAsUser: { value: POD_UID },
        readonlyRootfs: true,
        noNewPrivs: true,
        seccomp: {},
      },
    },
  };
}

/**
 * Brings images to a node whose one file is the test layer's program that writes numbered lines.
 * @param linesPerSecond  by the name that an image is to have
 * @param work  an empty folder
 */
export async function bringPodImages(
  connection: ContainerdConnection,
  linesPerSecond: Readonly<Record<string, number>>,
  arch: Architecture,
  work: string,
): Promise<void> {
  const source = join(checkout, 'test/layer/chatty.cc');
  await compileStaticProgram(arch, [source], [join(checkout, 'test/layer')], join(work, PROGRAM));
  await ensureNamespace(connection, NAMESPACE);
  for (const [name, rate] of Object.entries(linesPerSecond)) {
    const archive = `${join(work, PROGRAM)}-${rate}.tar`;
    const config = { Entrypoint: [`/${PROGRAM}`, String(rate)] };
    await writeOciArchive(archive, { architecture: arch, tree: work, names: [PROGRAM], config });
    const request = { namespace: NAMESPACE, name, architecture: arch };
    await importArchive(connection, { ...request, archive: createReadStream(archive) });
  }
}
