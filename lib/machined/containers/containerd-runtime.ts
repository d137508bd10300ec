import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type ContainerdConnection,
  ensureNamespace,
  findImage,
  findTask,
  importArchive,
  isUnavailable,
  removeContainer,
  runContainer,
  signalTask,
  snapshotOfImage,
  waitForTask,
} from '../../containerd/index.js';
import { outOfMemoryKills } from './out-of-memory.js';
import { type ContainerRuntime, imageName } from './runtime.js';
import { SHIM_CGROUP } from './shims.js';
import { containerSpec } from './spec.js';

/** Of containerd: the node's own containers. */
export const SYSTEM_NAMESPACE = 'system';
/** It has folders to bind into, and nothing that could be used; a bind mount does not take the flags of what is below it once it is read-only. */
const ROOT_OPTIONS = ['nosuid', 'nodev', 'noexec'];
/** Says which archive an image was made from. */
const ARCHIVE_LABEL = 'talos.dev/archive';

/** @param archive  path of the OCI archive that all of them have: folders to bind into */
export function containerdRuntime(connection: ContainerdConnection, archive: string): ContainerRuntime {
  const namespace = SYSTEM_NAMESPACE;
  return {
    async prepare(definition) {
      const digest = createHash('sha256')
        .update(await readFile(archive))
        .digest('hex');
      const name = imageName(definition);
      await ensureNamespace(connection, namespace);
      let image = await findImage(connection, namespace, name);
      if (image?.labels[ARCHIVE_LABEL] !== digest) {
        const labels = { [ARCHIVE_LABEL]: digest };
        await importArchive(connection, { namespace, name, labels, archive: bytesOf(archive) });
        image = await findImage(connection, namespace, name);
      }
      if (image === undefined) throw new Error(`image ${name} is gone`);
      return await snapshotOfImage(connection, namespace, image);
    },
    run: (definition, rootSnapshot, { stdout, stderr }) =>
      runContainer(connection, {
        namespace,
        id: definition.id,
        image: imageName(definition),
        spec: containerSpec(definition),
        rootSnapshot,
        rootOptions: ROOT_OPTIONS,
        shimCgroup: SHIM_CGROUP,
        stdout,
        stderr,
      }),
    task: (id) => findTask(connection, namespace, id),
    wait: (id) => waitForTask(connection, namespace, id),
    signal: (id, signal) => signalTask(connection, namespace, id, signal),
    outOfMemoryKills: (id) => outOfMemoryKills(id),
    remove: (id) => removeContainer(connection, namespace, id),
    isAbsence: isUnavailable,
  };
}

/** Opened when the first byte is wanted: an import may fail before, and nobody would close it. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path);
}
