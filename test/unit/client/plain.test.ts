import t from 'tap';
import { plain } from '../../../lib/client/index.js';
import { machine } from '../../../lib/gen/machine/machine.js';

t.test('a message as data: defaults included, in the order of its fields, without methods', async (t) => {
  const sent = machine.Netstat.encode({ connectrecord: [{ localport: 5, process: { name: 'x' } }, {}] }).finish();
  const { connectrecord } = plain(machine.Netstat.decode(sent));
  t.match(connectrecord[0], { l4proto: '', localport: 5, state: 0, process: { pid: 0, name: 'x' } });
  t.equal(Object.keys(connectrecord[0] ?? {})[0], 'l4proto');
  t.equal(connectrecord[1]?.process, null);
  t.strictSame(plain(machine.LogsContainer.decode(new Uint8Array())), { metadata: null, ids: [] });
  const { xattrs } = plain(
    machine.FileInfo.decode(machine.FileInfo.encode({ xattrs: [{ data: Buffer.from('a') }] }).finish()),
  );
  t.equal(Buffer.from(xattrs[0]?.data ?? []).toString(), 'a');
  t.strictSame(plain(['a', 1, null]), ['a', 1, null]);
});
