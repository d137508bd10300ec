/** What containerd serves, by functions of the test, for what a real one does too rarely or too quickly. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MethodDefinition, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { ContainerdConnection } from '../../../lib/containerd/index.js';

/** @param calls  what is served, and how; anything else is UNIMPLEMENTED */
export async function fakeContainerd(
  t: Test,
  calls: readonly (readonly [method: Pick<MethodDefinition<unknown, unknown>, 'path'>, handler: UntypedHandleCall])[],
): Promise<ContainerdConnection> {
  const folder = await mkdtemp(join(tmpdir(), 'talos-test-'));
  const server = new Server();
  for (const [method, handler] of calls) server.addService({ call: method } as never, { call: handler });
  const socket = join(folder, 'containerd.sock');
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const connection = new ContainerdConnection(socket);
  t.teardown(async () => {
    connection.close();
    server.forceShutdown();
    await rm(folder, { recursive: true });
  });
  return connection;
}
