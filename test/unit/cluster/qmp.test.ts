import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { QmpClient } from '../../../lib/cluster/qmp.js';
import { shortFolder } from '../../helpers/short-folder.js';

type Answer = (command: string, id: number, socket: Socket) => object | undefined;

/** A QEMU that only speaks QMP; `answer` gives what it replies to each command after the negotiation. */
async function fakeQemu(t: Test, answer: Answer): Promise<string> {
  const path = join(shortFolder(t), 'qmp');
  const server = createServer((socket) => {
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\n');
    createInterface({ input: socket }).on('line', (line) => {
      const { execute, id } = JSON.parse(line) as { execute: string; id: number };
      const reply = execute === 'qmp_capabilities' ? { return: {}, id } : answer(execute, id, socket);
      if (reply) socket.write(`${JSON.stringify(reply)}\n`);
    });
  });
  await once(server.listen(path), 'listening');
  t.teardown(() => server.close());
  return path;
}

t.test('commands and their results', async (t) => {
  const path = await fakeQemu(t, (command, id) => ({ return: { command }, id }));
  const qmp = await QmpClient.connect(path);
  t.teardown(() => qmp.close());
  const [first, second] = await Promise.all([qmp.execute('query-status'), qmp.execute('query-block')]);
  t.same(first, { command: 'query-status' });
  t.same(second, { command: 'query-block' });
});

t.test('a refused command', async (t) => {
  const path = await fakeQemu(t, (_, id) => ({ error: { class: 'GenericError', desc: 'no such device' }, id }));
  const qmp = await QmpClient.connect(path);
  t.teardown(() => qmp.close());
  await t.rejects(qmp.execute('device_del'), { code: 'ERR_QMP', message: 'QEMU refused: no such device' });
});

t.test('events come beside replies', async (t) => {
  const path = await fakeQemu(t, (_, id, socket) => {
    socket.write('{"event": "SHUTDOWN", "data": {"guest": true}}\n');
    return { return: {}, id };
  });
  const qmp = await QmpClient.connect(path);
  t.teardown(() => qmp.close());
  const event = once(qmp, 'event');
  await qmp.execute('system_powerdown');
  t.same(await event, ['SHUTDOWN', { guest: true }]);
});

t.test('a QEMU that serves somebody else: the connection does not stay behind', async (t) => {
  const path = join(shortFolder(t), 'qmp');
  const server = createServer();
  await once(server.listen(path), 'listening');
  t.teardown(() => server.close());
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const refused = t.rejects(QmpClient.connect(path, 20), { code: 'ERR_QMP' });
  const [socket] = await connected;
  socket.resume();
  const ended = once(socket, 'close');
  await refused;
  await ended;
});

t.test('QEMU that ends', async (t) => {
  const path = await fakeQemu(t, (_command, _id, socket) => {
    socket.destroy();
    return undefined;
  });
  const qmp = await QmpClient.connect(path);
  const closed = once(qmp, 'close');
  await t.rejects(qmp.execute('quit'), { code: 'ERR_QMP' });
  await closed;
  await t.rejects(qmp.execute('query-status'), { code: 'ERR_QMP', message: /QEMU is gone/ });
});

t.test('QEMU that does not answer', async (t) => {
  const qmp = await QmpClient.connect(await fakeQemu(t, () => undefined));
  t.teardown(() => qmp.close());
  await t.rejects(qmp.execute('query-status', {}, 20), { code: 'ERR_QMP', message: /did not answer/ });
});

t.test('no QEMU at all', async (t) => {
  await t.rejects(QmpClient.connect(join(shortFolder(t), 'none')), { code: 'ENOENT' });
});
