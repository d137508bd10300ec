/** What happens to tasks, as it happens. */
import { containerd } from '../gen/containerd/containerd.js';
import { EventsDefinition } from '../gen/containerd/service.js';
import { fromAny } from './any.js';
import type { ContainerdConnection } from './connection.js';

const { TaskStart, TaskExit, TaskOOM } = containerd.events;

export type TaskEvent =
  | { kind: 'started'; namespace: string; containerId: string; pid: number }
  /** Of the container's own process, not of one that was started in it later. */
  | { kind: 'ended'; namespace: string; containerId: string; pid: number; exitStatus: number }
  | { kind: 'out-of-memory'; namespace: string; containerId: string };

/** Events from now on, of all namespaces. Ends by throwing when the connection does: what happened until the next subscription is missed. */
export async function* taskEvents(
  connection: ContainerdConnection,
  signal?: AbortSignal,
): AsyncGenerator<TaskEvent, void, undefined> {
  const filters = ['topic=="/tasks/start"', 'topic=="/tasks/exit"', 'topic=="/tasks/oom"'];
  for await (const envelope of connection.stream(EventsDefinition.Subscribe, { filters }, { signal })) {
    const event = plainEvent(envelope);
    if (event !== undefined) yield event;
  }
}

function plainEvent({ namespace, event }: containerd.services.events.v1.Envelope): TaskEvent | undefined {
  const started = fromAny('containerd.events.TaskStart', TaskStart, event);
  if (started) return { kind: 'started', namespace, containerId: started.containerId, pid: started.pid };
  const ended = fromAny('containerd.events.TaskExit', TaskExit, event);
  if (ended) {
    const { containerId, id, pid, exitStatus } = ended;
    return id === containerId ? { kind: 'ended', namespace, containerId, pid, exitStatus } : undefined;
  }
  const outOfMemory = fromAny('containerd.events.TaskOOM', TaskOOM, event);
  if (outOfMemory) return { kind: 'out-of-memory', namespace, containerId: outOfMemory.containerId };
  return undefined;
}
