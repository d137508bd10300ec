/** How a member goes away, for good or for a while, and comes back: what is asked of its cluster, in which order, and what becomes of what fails. */
import t from 'tap';
import type { Journal } from '../../../../lib/machined/kubernetes/journal.js';
import { Presence } from '../../../../lib/machined/kubernetes/presence.js';
import { FACTS, FakeNode } from './fake-node.js';

const never = new AbortController().signal;
const MEMBER: Journal = { ...FACTS, kind: 'join', done: [], isMember: true };

function setUp(node: FakeNode, journal: Journal | undefined = MEMBER) {
  node.hasCredentials = true;
  return { node, presence: new Presence(node, () => journal) };
}

/** Fails each time. */
function failing(node: FakeNode, name: string, message: string): FakeNode {
  node.onCall = (call) => {
    if (call === name) throw new Error(message);
  };
  return node;
}

t.test('leaving the cluster, before a reset', async (t) => {
  const leave = async (node: FakeNode, journal?: Partial<Journal>) => {
    await setUp(node, { ...MEMBER, ...journal }).presence.leave(never);
    return node.calls;
  };
  const all = ['cordon', 'evict pods for good', 'remove etcd member'];
  t.strictSame(await leave(new FakeNode('worker')), all.slice(0, 2));
  t.strictSame(await leave(new FakeNode()), all);
  t.strictSame(await leave(new FakeNode(), { kind: 'init' }), all);
  t.strictSame(await leave(new FakeNode(), { kind: 'init', isMember: false }), [], 'a cluster that nobody else is in');
  const node = new FakeNode();
  await new Presence(node, () => undefined).leave(never);
  t.strictSame(node.calls, [], 'one that is in no cluster leaves none');
  const refused = new FakeNode('worker');
  await new Presence(refused, () => ({ ...MEMBER, isMember: false })).leave(never);
  t.strictSame(refused.calls, [], 'one that was not let in leaves none');
  const expired = new FakeNode();
  await new Presence(expired, () => MEMBER).leave(never);
  t.strictSame(expired.calls, all, 'a member whose certificate is not valid any more is not let go unseen');
});

t.test('one that cannot leave stays what it was', async (t) => {
  for (const [call, node] of [
    ['remove etcd member', new FakeNode()],
    ['cordon', new FakeNode('worker')],
    ['evict pods for good', new FakeNode('worker')],
  ] as const) {
    const { presence } = setUp(failing(node, call, 'it is not healthy'));
    await t.rejects(presence.leave(never), {
      kind: 'FAILED_PRECONDITION',
      message:
        'this node cannot leave its cluster: it is not healthy; without leaving it is reset by osctl reset --graceful=false',
    });
    t.equal(node.calls.at(-1), 'uncordon', call);
  }
});

t.test('going down for a while: what does not work is said, and keeps no node', async (t) => {
  const { node, presence } = setUp(new FakeNode());
  await presence.drain(never);
  t.strictSame(node.calls, ['cordon', 'evict pods']);
  for (const call of ['cordon', 'evict pods']) {
    const other = setUp(failing(new FakeNode('worker'), call, 'the API is away'));
    await other.presence.drain(never);
    t.strictSame(other.node.notices, ['pods are not moved away: the API is away'], call);
  }
  const joining = setUp(new FakeNode(), { ...MEMBER, isMember: false });
  await joining.presence.drain(never);
  t.strictSame(joining.node.calls, [], 'one that is no member yet has no pods');
});

t.test('coming back: once, until it works', async (t) => {
  const { node, presence } = setUp(new FakeNode());
  let failures = 2;
  node.onCall = (call) => {
    if (call === 'uncordon' && failures-- > 0) throw new Error('the API is away');
  };
  await Promise.all([presence.takePods(never), presence.takePods(never)]);
  t.strictSame(node.calls, ['uncordon']);
  t.strictSame(
    node.notices,
    ['it is not known yet whether pods may be put on this node: the API is away'],
    'said once',
  );
});

t.test('one that is no member yet has said nothing of itself', async (t) => {
  const { node, presence } = setUp(new FakeNode(), { ...MEMBER, isMember: false });
  await presence.takePods(never);
  t.strictSame(node.calls, []);
});

t.test('one that goes down again does not come back any more', async (t) => {
  const { node, presence } = setUp(failing(new FakeNode(), 'uncordon', 'the API is away'));
  const back = presence.takePods(never);
  await presence.drain(never);
  await back;
  t.strictSame(node.calls, ['cordon', 'evict pods']);
});
