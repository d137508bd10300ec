/** The end of all containers of a namespace, with a containerd in which not everything goes well. */
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { containerd } from '../../../../lib/gen/containerd/containerd.js';
import { ContainersDefinition, TasksDefinition } from '../../../../lib/gen/containerd/service.js';
import { stopNamespace } from '../../../../lib/machined/containers/stop-namespace.js';
import { fakeContainerd } from '../../containerd/fake-containerd.js';

const { Status } = containerd.v1.types;

type Request = { containerId?: string; signal?: number };
type Answer = (error: object | null, reply?: object) => void;

/** Tasks by their ids, which end when they are killed. */
async function tasks(t: Test, ids: readonly string[], kill: (id: string, signal: number) => object | null) {
  const waiting = new Map<string, (() => void)[]>();
  const ended = new Set<string>();
  const calls: string[] = [];
  const end = (id: string) => {
    ended.add(id);
    for (const answer of waiting.get(id) ?? []) answer();
  };
  const unary =
    (answer: (request: Request, reply: Answer) => void) => (call: ServerUnaryCall<Request, object>, reply: unknown) =>
      answer(call.request, reply as sendUnaryData<object> as Answer);
  const process = (id: string) => ({ id, pid: 1, status: ended.has(id) ? Status.STOPPED : Status.RUNNING });
  const connection = await fakeContainerd(t, [
    [
      ContainersDefinition.List,
      unary((_request, reply) => reply(null, { containers: ids.map((id) => ({ id })) })) as never,
    ],
    [TasksDefinition.List, unary((_request, reply) => reply(null, { tasks: ids.map(process) })) as never],
    [
      TasksDefinition.Get,
      unary(({ containerId = '' }, reply) => reply(null, { process: process(containerId) })) as never,
    ],
    [
      TasksDefinition.Kill,
      unary(({ containerId = '', signal = 0 }, reply) => {
        calls.push(`${containerId} ${signal}`);
        const error = kill(containerId, signal);
        reply(error, {});
        if (error === null) end(containerId);
      }) as never,
    ],
    [
      TasksDefinition.Wait,
      unary(({ containerId = '' }, reply) => {
        const answer = () => reply(null, { exitStatus: 0 });
        if (ended.has(containerId)) answer();
        else waiting.set(containerId, [...(waiting.get(containerId) ?? []), answer]);
      }) as never,
    ],
    [
      TasksDefinition.Delete,
      unary(({ containerId = '' }, reply) => {
        calls.push(`${containerId} deleted`);
        reply(null, {});
      }) as never,
    ],
  ]);
  return { connection, calls };
}

t.test('one whose shim is gone costs the others nothing of their time', async (t) => {
  const gone = { code: status.UNKNOWN, details: 'ttrpc: closed' };
  const { connection, calls } = await tasks(t, ['a', 'b', 'c'], (id) => (id === 'a' ? gone : null));
  await stopNamespace(connection, 'k8s.io', 60_000);
  t.same(calls.filter((call) => call.endsWith(' 15')).sort(), ['a 15', 'b 15', 'c 15']);
  t.same(
    calls.filter((call) => call.endsWith(' 9')),
    ['a 9'],
    'what ends in order is not killed',
  );
  t.same(calls.filter((call) => call.endsWith('deleted')).sort(), ['b deleted', 'c deleted']);
});

t.test('one that cannot be told to end is killed', async (t) => {
  const { connection, calls } = await tasks(t, ['a', 'b'], (id, signal) =>
    id === 'a' && signal === 15 ? { code: status.INTERNAL, details: 'no' } : null,
  );
  await stopNamespace(connection, 'k8s.io', 60_000);
  t.same(
    calls.filter((call) => call.startsWith('a')),
    ['a 15', 'a 9', 'a deleted'],
  );
});
