import t from 'tap';
import { NodeName } from '../../../lib/init/node-name.js';

t.test('the strongest source names the node, whoever comes first', async (t) => {
  const set: string[] = [];
  const name = new NodeName({ setHostname: (text) => void set.push(text) });
  t.ok(name.set('default', 'talos'));
  t.ok(name.set('dhcp', 'Leased-1'));
  t.ok(name.set('dhcp', 'leased-2'), 'the same source may think again');
  t.ok(name.set('config', 'configured'));
  t.notOk(name.set('kernel-command-line', 'given'));
  t.notOk(name.set('dhcp', 'leased-3'));
  t.ok(name.set('config', 'configured-2'));
  t.same(set, ['talos', 'leased-1', 'leased-2', 'configured', 'configured-2']);
});

t.test('a source that names the node no more leaves it to the next one', async (t) => {
  const set: string[] = [];
  const name = new NodeName({ setHostname: (text) => void set.push(text) });
  name.set('default', 'talos');
  name.set('config', 'configured');
  name.set('dhcp', 'leased');
  name.clear('kernel-command-line');
  name.clear('config');
  name.clear('config');
  name.set('config', 'again');
  name.clear('dhcp');
  name.clear('config');
  t.same(set, ['talos', 'configured', 'leased', 'again', 'talos']);
});

t.test('what is no name takes nobody’s place', async (t) => {
  const set: string[] = [];
  const name = new NodeName({ setHostname: (text) => void set.push(text) });
  t.throws(() => name.set('config', 'a_b'), { code: 'ERR_HOSTNAME' });
  t.ok(name.set('default', 'talos'));
  t.same(set, ['talos']);
});
