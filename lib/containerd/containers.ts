/** Containers and their tasks: what is there, what runs, and running more. */
import { MINUTE_MS, SECOND_MS } from '../base/units.js';
import { containerd } from '../gen/containerd/containerd.js';
import {
  ContainersDefinition,
  NamespacesDefinition,
  SnapshotsDefinition,
  TasksDefinition,
} from '../gen/containerd/service.js';
import { toAny } from './any.js';
import type { ContainerdConnection } from './connection.js';
import { isAlreadyExists, orUndefined } from './errors.js';
import { SNAPSHOTTER } from './platform.js';

const NANOSECONDS_PER_MS = 1e6;
/** What runc's shim is called. */
const RUNTIME = 'io.containerd.runc.v2';
const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
/** Five programs are started one after the other, maybe on an emulated machine; whoever gives up too early leaves half a container behind. */
const CREATE_TIMEOUT_MS = 10 * MINUTE_MS;
/** SIGKILL, which nothing in a container withstands. */
const SIGKILL = 9;

export type TaskStatus = 'UNKNOWN' | 'CREATED' | 'RUNNING' | 'STOPPED' | 'PAUSED' | 'PAUSING';

export interface Task {
  containerId: string;
  /** 0 when there is no process any more. */
  pid: number;
  status: TaskStatus;
  exitStatus: number;
}

export interface Container {
  id: string;
  /** Name of an image; '' for one that was made without. */
  image: string;
  labels: Readonly<Record<string, string>>;
  /** Name of the snapshot that is its root. */
  snapshotKey: string;
  /** When it was made. */
  createdMs: number;
  /** Undefined: it is not started, or its task was removed. */
  task?: Task | undefined;
}

export interface CreateRequest {
  namespace: string;
  id: string;
  image: string;
  labels?: Record<string, string>;
  /** The OCI runtime specification. */
  spec: object;
  /** The snapshot that is its root, read-only: of an image (snapshotOfImage). */
  rootSnapshot: string;
  /** Options for the mount of that, beside what the snapshotter wants: as 'nosuid', mount(8). */
  rootOptions?: readonly string[];
  /** The group of cgroup v2 that its shim moves to. */
  shimCgroup: string;
  /** Paths of the FIFOs that its output goes to. */
  stdout: string;
  stderr: string;
}

/** Makes the namespace unless it is there. */
export async function ensureNamespace(connection: ContainerdConnection, name: string): Promise<void> {
  try {
    await connection.unary(NamespacesDefinition.Create, { namespace: { name } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** All containers of a namespace with their tasks, sorted by id. One that is not there has none. */
export async function listContainers(connection: ContainerdConnection, namespace: string): Promise<Container[]> {
  const [{ containers }, { tasks }] = await Promise.all([
    connection.unary(ContainersDefinition.List, {}, { namespace }),
    connection.unary(TasksDefinition.List, {}, { namespace }),
  ]);
  const byContainer = new Map(tasks.map((task) => [taskId(task), plainTask(task)]));
  return containers
    .map(({ id, image, labels, snapshotKey, createdAt }) => ({
      id: id ?? '',
      image: image ?? '',
      labels: { ...labels },
      snapshotKey: snapshotKey ?? '',
      createdMs: (createdAt?.seconds ?? 0) * SECOND_MS + (createdAt?.nanos ?? 0) / NANOSECONDS_PER_MS,
      task: byContainer.get(id ?? ''),
    }))
    .sort((left, right) => (left.id < right.id ? -1 : 1));
}

/** The task of a container, if there is one. */
export async function findTask(
  connection: ContainerdConnection,
  namespace: string,
  containerId: string,
): Promise<Task | undefined> {
  const reply = await orUndefined(connection.unary(TasksDefinition.Get, { containerId }, { namespace }));
  return reply?.process ? plainTask(reply.process) : undefined;
}

/**
 * Makes a container and starts it. What was made of it is removed when that fails.
 * @returns the process
 * @throws ContainerdError  one with this id is there, or runc refuses
 */
export async function runContainer(connection: ContainerdConnection, request: CreateRequest): Promise<number> {
  const {
    namespace,
    id,
    image,
    labels = {},
    spec,
    rootSnapshot,
    rootOptions = [],
    shimCgroup,
    stdout,
    stderr,
  } = request;
  const options = toAny('containerd.runc.v1.Options', containerd.runc.v1.Options, { shimCgroup });
  const call = { namespace, timeoutMs: CREATE_TIMEOUT_MS };
  try {
    const { mounts } = await connection.unary(
      SnapshotsDefinition.View,
      { snapshotter: SNAPSHOTTER, key: id, parent: rootSnapshot },
      call,
    );
    await connection.unary(
      ContainersDefinition.Create,
      {
        container: {
          id,
          image,
          labels,
          runtime: { name: RUNTIME, options },
          spec: { type_url: SPEC_TYPE, value: Buffer.from(JSON.stringify(spec)) },
          snapshotter: SNAPSHOTTER,
          snapshotKey: id,
        },
      },
      call,
    );
    const rootfs = mounts.map((mount) => ({ ...mount, options: [...(mount.options ?? []), ...rootOptions] }));
    await connection.unary(TasksDefinition.Create, { containerId: id, rootfs, stdout, stderr, options }, call);
    return (await connection.unary(TasksDefinition.Start, { containerId: id }, call)).pid;
  } catch (error) {
    if (!isAlreadyExists(error)) await removeContainer(connection, namespace, id).catch(() => {});
    throw error;
  }
}

/** Ends what runs in a container, with its shim and its mounts; the container itself stays, as one that has ended. One that is not there is no error. */
export async function removeTask(connection: ContainerdConnection, namespace: string, id: string): Promise<void> {
  const call = { namespace, timeoutMs: CREATE_TIMEOUT_MS };
  const task = await findTask(connection, namespace, id);
  if (task !== undefined && task.status !== 'STOPPED') {
    await signalTask(connection, namespace, id, SIGKILL, { all: true });
    await waitForTask(connection, namespace, id);
  }
  await orUndefined(connection.unary(TasksDefinition.Delete, { containerId: id }, call));
}

/** Ends what runs in a container, and removes it with its snapshot. One that is not there, or only in parts, is no error. */
export async function removeContainer(connection: ContainerdConnection, namespace: string, id: string): Promise<void> {
  const call = { namespace, timeoutMs: CREATE_TIMEOUT_MS };
  await removeTask(connection, namespace, id);
  await orUndefined(connection.unary(ContainersDefinition.Delete, { id }, call));
  await orUndefined(connection.unary(SnapshotsDefinition.Remove, { snapshotter: SNAPSHOTTER, key: id }, call));
}

/** Sends a signal to the process of a container, or to all in it. One that is gone is no error. */
export async function signalTask(
  connection: ContainerdConnection,
  namespace: string,
  containerId: string,
  signal: number,
  { all = false } = {},
): Promise<void> {
  await orUndefined(connection.unary(TasksDefinition.Kill, { containerId, signal, all }, { namespace }));
}

/** Resolves when the process of a container has ended: its exit status, 128 + number for a signal. undefined: there is no task. */
export async function waitForTask(
  connection: ContainerdConnection,
  namespace: string,
  containerId: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const call = { namespace, timeoutMs: 0, signal };
  return (await orUndefined(connection.unary(TasksDefinition.Wait, { containerId }, call)))?.exitStatus;
}

/** The daemon leaves `containerId` empty in lists, where `id` has it. */
function taskId({ containerId, id }: containerd.v1.types.Process.$Properties): string {
  return containerId || id || '';
}

function plainTask(process: containerd.v1.types.Process.$Properties): Task {
  const name = containerd.v1.types.Status[process.status ?? 0] as TaskStatus | undefined;
  return {
    containerId: taskId(process),
    pid: process.pid ?? 0,
    status: name ?? 'UNKNOWN',
    exitStatus: process.exitStatus ?? 0,
  };
}
