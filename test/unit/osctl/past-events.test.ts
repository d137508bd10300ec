/** Asking a node for its past, whether or not it answers. */
import { once } from 'node:events';
import t from 'tap';
import { MachineClient } from '../../../lib/client/index.js';
import { pastEvents } from '../../../lib/osctl/past-events.js';
import { FakeNode, rawListener } from '../client/fake-node.js';

t.test(
  'a node without any event has no past; one that does not let itself be reached is not taken for that',
  async (t) => {
    const node = await FakeNode.start({ handlers: { Events: (_request, call) => once(call, 'cancelled') } });
    const silent = await rawListener(() => {});
    const { credentials } = node;
    const quiet = new MachineClient({ endpoints: [node.endpoint], credentials, timeoutMs: 500 });
    const nobody = new MachineClient({ endpoints: [`127.0.0.1:${silent.port}`], credentials, timeoutMs: 500 });
    t.teardown(async () => {
      for (const client of [quiet, nobody]) client.close();
      silent.close();
      await node[Symbol.asyncDispose]();
    });
    t.same(await pastEvents(quiet, undefined), []);
    await t.rejects(pastEvents(nobody, undefined), { kind: 'unreachable', message: /no answer within 500 ms/ });
  },
);

t.test('a failure of the node is told', async (t) => {
  const node = await FakeNode.start();
  const client = new MachineClient({ endpoints: [node.endpoint], credentials: node.credentials });
  t.teardown(async () => {
    client.close();
    await node[Symbol.asyncDispose]();
  });
  await t.rejects(pastEvents(client, undefined), { code: 'UNIMPLEMENTED' });
});
