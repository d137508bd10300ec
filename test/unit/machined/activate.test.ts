import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { activate } from '../../../lib/machined/activate.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { IdentityHolder } from '../../../lib/machined/node-identity.js';
import { FakeInit } from '../osd/support/fake-init.js';
import { generated } from './fixtures.js';

async function node() {
  const { controlplane } = await generated();
  const init = new FakeInit({ setHostname: () => ({}), setNetwork: () => ({}), reportConfig: () => ({}) });
  const identity = new IdentityHolder();
  let told = 0;
  const clock = { expect: () => {}, problem: () => undefined };
  const changes: string[] = [];
  const tell = (change: string) => {
    changes.push(change);
    if (change === 'identityChanged') told++;
  };
  const context = { init, identity, clock, tell };
  return { controlplane, init, identity, context, told: () => told, changes };
}

t.test('at the start the name is set, and nobody has a certificate yet', async (t) => {
  const { controlplane, init, identity, context, told } = await node();
  const config = loadConfig(controlplane);
  t.same(await activate(context, config, undefined), []);
  t.same(init.bodies('setHostname'), [{ hostname: 'node-1' }]);
  t.equal(init.bodies('setNetwork').length, 1);
  t.equal(await identity.get(1000, new AbortController().signal), config.identity);
  t.equal(told(), 0);
});

t.test('a change tells only what has changed', async (t) => {
  const { controlplane, init, context, told } = await node();
  const before = loadConfig(controlplane);
  await activate(context, loadConfig(`# a comment\n${controlplane}`), before);
  t.same([init.bodies('setHostname'), told()], [[], 0]);
  await activate(context, loadConfig(controlplane.replace('192.0.2.7', '192.0.2.8')), before);
  t.same([init.bodies('setHostname'), told()], [[], 1]);
  await activate(context, loadConfig(controlplane.replace(/\n *hostname: node-1/, ' {}')), before);
  t.same([init.bodies('setHostname'), told()], [[{ hostname: '' }], 2], 'a name that is gone is given back');
});

t.test('whoever connects to the Kubernetes API is told when it is served elsewhere', async (t) => {
  const { controlplane, context, changes } = await node();
  const before = loadConfig(controlplane);
  await activate(context, loadConfig(controlplane.replace('10.5.0.2:6443', '10.5.0.3:6443')), before);
  t.same(changes, ['identityChanged', 'apiServersChanged']);
  await activate(context, loadConfig(controlplane.replace('node-1', 'node-2')), before);
  t.same(changes.slice(2), ['identityChanged']);
});

t.test('what init refuses becomes a sentence, and the rest is done', async (t) => {
  const { controlplane, init, identity, context } = await node();
  init.answers.setNetwork = () => {
    throw new ControlError('INVALID_ARGUMENT', 'the document is too long');
  };
  const before = loadConfig(controlplane);
  const next = loadConfig(`${controlplane}---\napiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\n`);
  t.same(await activate(context, next, before), ['the network was not changed: the document is too long']);
  t.equal(await identity.get(1000, new AbortController().signal), next.identity);
});
