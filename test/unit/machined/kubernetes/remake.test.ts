/** A control plane that is made anew at a boot, because its config is another one. */
import t from 'tap';
import { KubernetesEngine } from '../../../../lib/machined/kubernetes/engine.js';
import { FACTS, FakeNode } from './fake-node.js';
import { never, REMADE, runInit } from './run-engine.js';

t.test('a control plane becomes what the config says, when that is another one at a boot', async (t) => {
  const whole = new FakeNode();
  await runInit(whole);
  const boot = async (node: FakeNode) => {
    await new KubernetesEngine(node).run(never);
    return node;
  };
  const next = (change: Partial<FakeNode> = {}) => Object.assign(new FakeNode(), { journal: whole.journal }, change);

  const changed = await boot(next({ digest: 'd2' }));
  t.strictSame(changed.phases, REMADE);
  const before = (left: string, right: string) => changed.calls.indexOf(left) < changed.calls.indexOf(right);
  t.ok(before('remove server certificate', `kubeadm ${REMADE[0]} --config=/run/init.yaml`));
  t.ok(before('flush', 'journal member'), 'on the medium before it is written down');
  t.ok(before('journal member', 'start kubelet'), 'before anybody reads it');
  t.match(changed.journal, { isMember: true, controlPlane: 'd2' });
  t.match(changed.notices, [/is made anew, as the config says now/]);
  t.strictSame((await boot(next({ digest: 'd2', journal: changed.journal }))).phases, [], 'once');

  const cut = next({ digest: 'd2' });
  cut.failures.set(`kubeadm ${REMADE.at(-1)}`, 'no space left on device');
  await boot(cut);
  t.strictSame(cut.phases, [...REMADE, ...REMADE], 'from the beginning, for it is not known how far it came');
  t.ok(cut.told.includes('problem: the control plane cannot be made what the config says: no space left on device'));

  const moved = next({ digest: 'd2', controlPlaneWrong: 'it was made for another address' });
  moved.onCall = (call) => {
    if (call !== 'sleep') return;
    t.strictSame(moved.phases, []);
    moved.controlPlaneWrong = undefined;
  };
  await boot(moved);
  t.ok(moved.told.some((text) => text.endsWith('what the config says: it was made for another address')));
  t.strictSame(moved.phases, REMADE);

  const worker = Object.assign(new FakeNode('worker'), {
    journal: { ...FACTS, kind: 'join', done: [], isMember: true },
  });
  t.strictSame((await boot(worker)).phases, []);
});
