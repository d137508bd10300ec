import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ApiMembers } from '../../../../lib/machined/kubernetes/api-members.js';
import { loadNative } from '../../../../lib/native/index.js';

const { files } = loadNative();

t.test('places of servers, and what is none', async (t) => {
  const members = new ApiMembers(files);
  t.same(members.list, []);
  const nowhere = [
    ...['', 'api.example.org', '127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '::ffff:127.0.0.1', '10.5.0.2/24'],
  ];
  t.notOk(members.take(nowhere.map((host) => ({ host, port: 6443 }))));
  t.notOk(members.take([0, 65_536, 1.5, Number.NaN, -1].map((port) => ({ host: '10.5.0.2', port }))));
  t.same(members.list, []);
  t.ok(
    members.take([
      { host: 'FD00:0::2', port: 6443 },
      { host: '10.5.0.3', port: 6443 },
      { host: '10.5.0.2', port: 6443 },
      { host: '10.5.0.2', port: 6443 },
      { host: '127.0.0.1', port: 6443 },
    ]),
  );
  t.same(members.list, [
    { host: '10.5.0.2', port: 6443 },
    { host: '10.5.0.3', port: 6443 },
    { host: 'fd00::2', port: 6443 },
  ]);
  t.notOk(members.take([...members.list].reverse()), 'an order is no news');
  t.notOk(members.take([]), 'that there are none is not believed');
  t.equal(members.list.length, 3);
  t.ok(members.take(Array.from({ length: 40 }, (_, index) => ({ host: `10.5.1.${index}`, port: 6443 }))));
  t.equal(members.list.length, 16);
});

t.test('they are kept in a file, which is believed as little as anybody', async (t) => {
  const folder = t.testdir({});
  const file = join(folder, 'api-servers.json');
  const root = await files.openRoot(folder);
  t.teardown(() => root.close());
  const members = new ApiMembers(files);
  t.notOk(await members.load(root), 'there is none yet');
  members.take([{ host: '10.5.0.2', port: 6443 }]);
  await members.store(root);
  const next = new ApiMembers(files);
  t.ok(await next.load(root));
  t.same(next.list, [{ host: '10.5.0.2', port: 6443 }]);
  t.notOk(await next.load(root));
  for (const text of ['', '{', 'null', '7', '{"a":1}', '[null]', '[[]]', '[{"host":7,"port":1}]', 'x'.repeat(20_000)]) {
    await writeFile(file, text);
    const other = new ApiMembers(files);
    t.notOk(await other.load(root), text.slice(0, 30));
    t.same(other.list, []);
  }
  t.ok(await next.forget(root));
  t.notOk(await next.forget(root));
  t.same(next.list, []);
  await t.rejects(readFile(file), { code: 'ENOENT' });
});
