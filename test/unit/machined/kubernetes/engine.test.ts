/** The engine over a node that remembers: how it begins, resumes behind a cut at every place, and goes on after failures. */
import t from 'tap';
import { NO_ADDRESS } from '../../../../lib/kube/node-address.js';
import { KubernetesEngine } from '../../../../lib/machined/kubernetes/engine.js';
import { FACTS, FakeNode } from './fake-node.js';
import { never, REMADE, runInit, waiting } from './run-engine.js';

const INIT = [
  'init phase certs all',
  'init phase kubelet-start',
  'init phase etcd local',
  'init phase control-plane apiserver',
  'init phase control-plane controller-manager',
  'init phase control-plane scheduler',
  'init phase upload-config all',
  'init phase mark-control-plane',
  'init phase bootstrap-token --skip-token-print',
  'init phase kubelet-finalize all',
  'init phase addon kube-proxy',
];
t.test('the first control plane, by Bootstrap', async (t) => {
  const node = new FakeNode();
  const engine = await runInit(node);
  t.equal(engine.state, 'member');
  t.strictSame(node.phases, INIT);
  t.match(node.journal, { ...FACTS, kind: 'init', isMember: true });
  t.ok(node.told.some((text) => /^waits for Bootstrap \(osctl bootstrap, .*connection refused\) to join/.test(text)));
  t.equal(node.told.at(-1), 'member');
  t.match(node.notices, [/^Kubernetes v1\.20\.2: this node is the first control plane of its cluster, after \d/]);
  const before = (left: string, right: string) => node.calls.indexOf(left) < node.calls.indexOf(right);
  t.ok(before('journal begun', 'write init files'), 'Bootstrap is written down before anything is done');
  t.ok(before('import needed images', 'start kubelet'));
  t.strictSame(node.lookedAfter, [true]);
  t.ok(before('ask own', `kubeadm ${INIT[4]} --config=/run/init.yaml`), 'the server is waited for before it is used');
  t.ok(before('write pod network', 'start kubelet'), 'the kubelet finds a network');
  t.ok(before('ask own', 'give pod network'));
  t.ok(before('give pod network', `kubeadm ${INIT[4]} --config=/run/init.yaml`), 'before there is who gives networks');
  const etcd = node.calls.indexOf('kubeadm init phase etcd local --config=/run/init.yaml');
  t.strictSame(
    node.calls.slice(etcd, etcd + 3),
    [node.calls[etcd], 'flush', 'journal etcd'],
    'on the medium, then in the journal',
  );
});

t.test('a worker joins when the API answers', async (t) => {
  const node = new FakeNode('worker');
  node.onCall = (call) => {
    if (call === 'sleep') node.isApiUp = node.sleeps.length === 3;
  };
  const engine = new KubernetesEngine(node);
  await engine.run(never);
  t.strictSame(node.phases, ['join phase kubelet-start']);
  t.equal(node.sleeps.length, 3);
  t.match(
    node.told[0],
    /^waits for the Kubernetes API at https:\/\/10\.5\.0\.2:6443 \(connection refused\) to join its cluster: see that /,
  );
  t.match(node.journal, { kind: 'join', done: ['kubelet-start'], isMember: true });
  await t.rejects(engine.bootstrap(never), { kind: 'FAILED_PRECONDITION', message: /is a worker/ });
});

t.test('a further control plane joins when the API answers, and releases that hide phases get them', async (t) => {
  const node = new FakeNode();
  node.isApiUp = true;
  await new KubernetesEngine(node).run(never);
  t.strictSame(node.phases, [
    'join phase control-plane-prepare certs',
    'join phase control-plane-prepare control-plane',
    'join phase kubelet-start',
    'join phase control-plane-join all',
  ]);
  t.equal(node.calls.filter((call) => call === 'ask own').length, 1);

  const newer = new FakeNode('worker', 'v1.35.0');
  newer.isApiUp = true;
  await new KubernetesEngine(newer).run(never);
  t.strictSame(newer.phases, [
    'join phase kubelet-start',
    'join --skip-phases=preflight,control-plane-prepare,kubelet-start,control-plane-join,wait-control-plane',
  ]);
});

t.test(
  'kubeconfigs are left to a kubeadm that can be told which keys to make, or makes two administrators',
  async (t) => {
    for (const version of ['v1.30.0', 'v1.35.0']) {
      const node = new FakeNode('controlplane', version);
      await runInit(node);
      t.strictSame(node.phases.slice(0, 2), ['init phase certs all', 'init phase kubeconfig all'], version);
    }
    const made = new FakeNode('controlplane', 'v1.35.0');
    await runInit(made);
    const again = Object.assign(new FakeNode('controlplane', 'v1.35.0'), { journal: made.journal, digest: 'd2' });
    await new KubernetesEngine(again).run(never);
    t.strictSame(again.phases, [
      ...['init phase certs apiserver', 'init phase kubeconfig controller-manager', 'init phase kubeconfig scheduler'],
      ...['init phase etcd local', 'init phase control-plane all'],
    ]);
    const joining = new FakeNode('controlplane', 'v1.30.0');
    joining.isApiUp = true;
    await new KubernetesEngine(joining).run(never);
    t.equal(joining.phases[0], 'join phase control-plane-prepare all');
  },
);

/** What becomes of a node whose power is cut before that call, and of the one that is started again then. */
async function cutBefore(make: () => FakeNode, run: (node: FakeNode) => Promise<unknown>, position: number) {
  const node = make();
  let left = position;
  const power = new AbortController();
  node.onCall = () => {
    if (left-- > 0) return;
    node.isCut = true;
    power.abort();
    // Nothing of it happens, and nothing after it.
    return new Promise<void>(() => {});
  };
  const cut = new Promise<void>((resolve) => power.signal.addEventListener('abort', () => resolve()));
  const whole = run(node).then(() => 'through' as const);
  if ((await Promise.race([whole, cut])) === 'through') return undefined;
  // The disk is what is left; what was written and not flushed may be, too.
  const again = make();
  again.journal = node.journal;
  again.hasCredentials = node.hasCredentials;
  again.onCall = () => {};
  return { node, again };
}

for (const [what, make, run] of [
  ['the first control plane', () => new FakeNode(), runInit],
  [
    'a further control plane',
    () => Object.assign(new FakeNode(), { isApiUp: true }),
    (node: FakeNode) => new KubernetesEngine(node).run(never),
  ],
  [
    'a worker',
    () => Object.assign(new FakeNode('worker'), { isApiUp: true }),
    (node: FakeNode) => new KubernetesEngine(node).run(never),
  ],
] as const) {
  t.test(`${what}: the power is cut before each call, and the next boot goes on`, async (t) => {
    const whole = make();
    await run(whole);
    let cuts = 0;
    for (let position = 0; ; position++) {
      const state = await cutBefore(make, run, position);
      if (state === undefined) break;
      cuts++;
      const { node, again } = state;
      const doneBefore = again.journal?.done ?? [];
      // One that has joined was made from what the cluster said: its first boot as a member makes it what its own config says.
      const isRemade = again.journal?.isMember === true && again.journal.kind === 'join' && again.nodeType !== 'worker';
      if (again.journal === undefined) await run(again);
      else await new KubernetesEngine(again).run(never);
      t.match(again.journal, { isMember: true, done: whole.journal?.done }, `cut before call ${position}`);
      t.equal(again.isKubeletRunning, true);
      const repeated = node.phases.filter((phase) => again.phases.includes(phase));
      t.ok(repeated.length <= 1, `at most the phase that was cut off is run again, not ${repeated.join(', ')}`);
      const remade = again.phases.filter((phase) => again.journal?.kind === 'join' && phase.startsWith('init'));
      t.strictSame(remade, isRemade ? REMADE : []);
      t.equal(
        again.phases.length - remade.length <=
          whole.phases.length - doneBefore.filter((name) => name !== 'wait-control-plane').length,
        true,
      );
    }
    t.ok(cuts > 10, 'there were places to cut at');
  });
}

t.test('what kubeadm has written for the kubelet is on the medium before the kubelet is started', async (t) => {
  const node = new FakeNode('worker');
  node.isApiUp = true;
  await new KubernetesEngine(node).run(never);
  const from = node.calls.indexOf('kubeadm join phase kubelet-start --config=/run/join.yaml');
  t.strictSame(node.calls.slice(from + 1, from + 3), ['flush', 'start kubelet']);
});

t.test('a member that boots starts its kubelet, and runs no kubeadm', async (t) => {
  const node = new FakeNode();
  await runInit(node);
  const again = new FakeNode();
  again.journal = node.journal;
  const engine = new KubernetesEngine(again);
  await engine.run(never);
  t.strictSame(again.lookedAfter, [true]);
  t.strictSame(again.calls, [
    ...['prepare', 'read journal', 'import needed images', 'write init files', 'renew certificates', 'start kubelet'],
    'import others images',
  ]);
  await t.rejects(engine.bootstrap(never), { kind: 'ALREADY_EXISTS', message: /is a member of its cluster already/ });
});

t.test('Bootstrap: once, and only where there is no cluster', async (t) => {
  await t.test('it is waited for until the node knows what it is, or nobody waits any more', async (t) => {
    const node = new FakeNode();
    const engine = new KubernetesEngine(node);
    const gone = new AbortController();
    const early = engine.bootstrap(gone.signal);
    gone.abort(new Error('the client has gone'));
    await t.rejects(early, { message: 'the client has gone' });
    const asked = engine.bootstrap(never);
    await engine.run(never);
    await asked;
    t.match(node.journal, { kind: 'init', isMember: true });
  });

  await t.test('twice at the same time', async (t) => {
    const node = new FakeNode();
    const engine = new KubernetesEngine(node);
    const running = engine.run(never);
    await waiting(engine, node);
    const results = await Promise.allSettled([engine.bootstrap(never), engine.bootstrap(never)]);
    t.equal(results[0]?.status, 'fulfilled');
    t.match(results[1], {
      status: 'rejected',
      reason: { kind: 'ALREADY_EXISTS', message: /first control plane already/ },
    });
    await running;
    t.equal(node.calls.filter((call) => call === 'journal begun').length, 1);
  });

  await t.test('while a cluster answers', async (t) => {
    const node = new FakeNode();
    const engine = new KubernetesEngine(node);
    const stop = new AbortController();
    const running = engine.run(stop.signal);
    await waiting(engine, node);
    node.isApiUp = true;
    const asked = engine.bootstrap(never);
    await t.rejects(asked, { kind: 'ALREADY_EXISTS', message: /a cluster already: its API answers at https:/ });
    await running;
    t.match(node.journal, { kind: 'join' });
    stop.abort();
  });

  await t.test('whoever asked is gone before the endpoint has answered: nothing is begun', async (t) => {
    const node = new FakeNode();
    const engine = new KubernetesEngine(node);
    const stop = new AbortController();
    const running = engine.run(stop.signal);
    await waiting(engine, node);
    const gone = new AbortController();
    node.onCall = (call) => {
      if (call === 'ask endpoint') gone.abort(new Error('the client has gone'));
    };
    await t.rejects(engine.bootstrap(gone.signal), { message: 'the client has gone' });
    t.equal(node.journal, undefined);
    node.onCall = () => {};
    await engine.bootstrap(never);
    await running;
    t.match(node.journal, { kind: 'init', isMember: true });
  });

  await t.test('where the config does not fit, and where it cannot be written down', async (t) => {
    const node = new FakeNode();
    const engine = new KubernetesEngine(node);
    const running = engine.run(never);
    await waiting(engine, node);
    node.wrong = [NO_ADDRESS];
    await t.rejects(engine.bootstrap(never), { kind: 'UNAVAILABLE', message: NO_ADDRESS }, 'the network may come yet');
    node.wrong = [NO_ADDRESS, 'pods and services overlap'];
    await t.rejects(engine.bootstrap(never), { kind: 'FAILED_PRECONDITION', message: /pods and services overlap/ });
    node.wrong = ['pods and services overlap'];
    await t.rejects(engine.bootstrap(never), { kind: 'FAILED_PRECONDITION', message: 'pods and services overlap' });
    node.wrong = [];
    node.failures.set('journal begun', 'ENOSPC');
    await t.rejects(engine.bootstrap(never), { message: 'ENOSPC' });
    t.equal(node.journal, undefined);
    await engine.bootstrap(never);
    await running;
  });
});

t.test('a phase that fails is told, and tried again later each time', async (t) => {
  const node = new FakeNode('worker');
  node.isApiUp = true;
  let tries = 0;
  node.onCall = (call) => {
    if (call.startsWith('kubeadm') && ++tries < 10) node.failures.set('kubeadm', 'the cluster does not know the token');
  };
  await new KubernetesEngine(node).run(never);
  t.equal(node.phases.length, 10);
  const problem = 'problem: join phase kubelet-start (1 of 1) failed: the cluster does not know the token';
  t.equal(node.told.filter((text) => text === problem).length, 9);
  t.strictSame(node.sleeps, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  t.match(node.journal, { isMember: true });
});

t.test('what fails besides kubeadm is tried again as well', async (t) => {
  for (const call of [
    'prepare',
    'read journal',
    'import needed images',
    'write init files',
    'flush',
    'start kubelet',
    'journal etcd',
    'journal member',
  ]) {
    const node = new FakeNode();
    node.failures.set(call, `${call} does not work`);
    await runInit(node);
    t.ok(
      node.told.some((text) => text.startsWith('problem: ') && text.endsWith(`: ${call} does not work`)),
      call,
    );
    t.match(node.journal, { isMember: true });
  }
});

t.test('a server that does not come up is a failure after ten minutes, and waited for again', async (t) => {
  const node = new FakeNode();
  node.isOwnServerUp = false;
  node.onCall = (call) => {
    if (call === 'sleep' && node.told.some((text) => text.startsWith('problem'))) node.isOwnServerUp = true;
  };
  await runInit(node);
  const problem = 'problem: init phase wait-control-plane (5 of 12) failed: connection refused';
  t.equal(node.told.filter((text) => text === problem).length, 1);
  t.match(node.journal, { isMember: true });
});

t.test('config, release or journal that do not fit hold it up, with a sentence', async (t) => {
  const cases: [string, Partial<typeof FACTS>, RegExp][] = [
    ['another cluster', { authority: 'b2' }, /another CA than the config's \(cluster\.ca\)/],
    ['another name', { nodeName: 'other' }, /is node-1 in its cluster and is called other now/],
    ['another release', { release: 'v1.35.0' }, /runs Kubernetes v1\.20\.2 and its image has v1\.35\.0/],
  ];
  for (const [what, change, sentence] of cases) {
    const node = new FakeNode();
    node.journal = { ...FACTS, kind: 'init', done: [], isMember: true };
    node.ownFacts = { ...FACTS, ...change };
    const engine = new KubernetesEngine(node);
    node.onCall = (call) => {
      if (call !== 'sleep') return;
      t.equal(engine.state, 'blocked');
      node.ownFacts = FACTS;
    };
    await engine.run(never);
    t.match(node.told[0], sentence, what);
    t.equal(engine.state, 'member');
  }
});

t.test('it ends with its signal, wherever it is', async (t) => {
  const whole = new FakeNode();
  await runInit(whole);
  for (let position = 0; position < whole.calls.length; position++) {
    const node = new FakeNode();
    node.journal = { ...FACTS, kind: 'init', done: [], isMember: false };
    const stop = new AbortController();
    let left = position;
    node.onCall = () => {
      if (left-- === 0) stop.abort();
    };
    await new KubernetesEngine(node).run(stop.signal);
    t.pass();
  }
});
