/** containerd's API, as far as a node uses it: see docs/containers.md. */

export { ImageArchive } from './archive.js';
export { CONTAINERD_SOCKET, ContainerdConnection } from './connection.js';
export {
  type Container,
  type CreateRequest,
  ensureNamespace,
  findTask,
  listContainers,
  removeContainer,
  removeTask,
  runContainer,
  signalTask,
  type Task,
  type TaskStatus,
  waitForTask,
} from './containers.js';
export { ContainerdError, isAlreadyExists, isNotFound, isUnavailable } from './errors.js';
export { type TaskEvent, taskEvents } from './events.js';
export { containerdVersion, isServing } from './health.js';
export { chainId, findImage, type Image, labelImage, listImages, removeImage, snapshotOfImage } from './images.js';
export { importArchive } from './import.js';
export { storeArchive } from './store-archive.js';
