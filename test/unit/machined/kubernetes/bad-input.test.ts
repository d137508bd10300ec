/**
 * Bad input, by real configs and facts: what whoever looks after the node reads of it at its kubelet, and that a config that was put right is all it takes. Versions
 * and pairs that there are not are refused before there is a node (test/unit/osctl/bad-input.test.ts); what kubeadm says is in kubeadm.test.ts.
 */
import t from 'tap';
import { MIB } from '../../../../lib/base/units.js';
import { problemsOf } from '../../../../lib/kube/checks.js';
import { NOT_THE_CLUSTERS } from '../../../../lib/machined/kubernetes/ask-api.js';
import { KubernetesEngine } from '../../../../lib/machined/kubernetes/engine.js';
import { KubeletStatus } from '../../../../lib/machined/kubernetes/kubelet-status.js';
import { nodeEffects } from '../../../../lib/machined/kubernetes/node-effects.js';
import { type InputChange, inputWith } from '../../../helpers/kubernetes-input.js';
import { FakeNode } from './fake-node.js';

const never = new AbortController().signal;

/** A node whose bad input is put right as soon as it has been told. */
async function told(node: FakeNode, mend: () => void): Promise<{ reported: string[]; engine: KubernetesEngine }> {
  const reported: string[] = [];
  const status = new KubeletStatus(({ isHealthy, text }) => {
    if (isHealthy) return;
    reported.push(text);
    if (reported.length === 1) mend();
  });
  const tell = node.tell.bind(node);
  node.tell = (about) => {
    tell(about);
    status.setMembership(about?.text);
  };
  const engine = new KubernetesEngine(node);
  await engine.run(never);
  return { reported, engine };
}

t.test('what does not go together', async (t) => {
  const cases: [string, InputChange, RegExp][] = [
    [
      'overlapping networks',
      { facts: { addresses: ['10.244.7.2/16'] } },
      /cluster\.network\.podSubnets: 10\.244\.0\.0\/16 overlaps with the node's own network 10\.244\.0\.0\/16: choose another one/,
    ],
    [
      'too little memory',
      { type: 'controlplane', facts: { memoryBytes: 1024 * MIB } },
      /the machine has 1024 MiB of memory, and a control plane needs 1700 MiB: give it more/,
    ],
    [
      'a mismatched pair',
      { cluster: { proxy: { mode: 'nftables' } } },
      /cluster\.proxy\.mode: nftables needs Kubernetes 1\.31, and this is v1\.20\.2/,
    ],
    [
      'an endpoint that nobody else can reach',
      { cluster: { controlPlane: { endpoint: 'https://127.0.0.1:6443' } } },
      /cluster\.controlPlane\.endpoint is an address of each node itself: name one of/,
    ],
    ['no token', { cluster: { token: null } }, /cluster\.token is missing: nodes join by it/],
    [
      'a clock that is behind the authority of the cluster',
      { type: 'worker', facts: { nowMs: 0 } },
      /cluster\.ca\.crt is not valid before .*: the clock of the node is wrong, or the certificate is/,
    ],
  ];
  for (const [what, change, sentence] of cases) {
    const { config, release, facts } = inputWith(change);
    const node = new FakeNode(config.machine.type);
    node.isApiUp = true;
    node.problems = () => problemsOf(config, release, facts);
    const { reported, engine } = await told(node, () => {
      node.problems = () => [];
    });
    t.match(reported[0], /^Kubernetes is not started: /, what);
    t.match(reported[0], sentence);
    t.notMatch(reported[0], /\n/, 'one line');
    t.equal(engine.state, 'member', 'and it goes on without more');
  }
});

t.test('a clock that cannot be right says what to do', (t) => {
  const { config, release, facts } = inputWith();
  const effects = nodeEffects({
    config: () => config,
    clockProblem: () => 'the clock says 1970-01-01T00:00:00.000Z, when this version was not made yet',
    installed: { release, archives: {} },
    facts: () => facts,
  } as unknown as Parameters<typeof nodeEffects>[0]);
  t.strictSame(effects.problems(), [
    'the clock says 1970-01-01T00:00:00.000Z, when this version was not made yet: name a time server that answers (machine.time.servers), or set the clock of the machine',
  ]);
  t.end();
});

t.test('an endpoint that does not answer, and one where somebody else does', async (t) => {
  const silent = new FakeNode('worker');
  const first = await told(silent, () => {
    silent.isApiUp = true;
  });
  t.match(
    first.reported[0],
    /^waits for the Kubernetes API at https:\S+ \(connection refused\) to join its cluster: see that cluster\.controlPlane\.endpoint is right/,
  );

  const foreign = new FakeNode('worker');
  const ask = foreign.askApi.bind(foreign);
  const why = "its certificate is not of the cluster's CA: set cluster.ca and cluster.controlPlane.endpoint";
  foreign.askApi = async () => {
    throw Object.assign(new Error(why), { code: NOT_THE_CLUSTERS });
  };
  const second = await told(foreign, () => {
    foreign.askApi = ask;
    foreign.isApiUp = true;
  });
  t.ok(second.reported[0]?.includes(why));
  t.ok(
    foreign.told.some((text) => text.startsWith('problem: ') && text.includes(why)),
    'on the console, too',
  );
  t.strictSame(foreign.phases.length, 1, 'and nothing was sent to it');

  const control = new FakeNode();
  control.askApi = async () => {
    throw Object.assign(new Error(why), { code: NOT_THE_CLUSTERS });
  };
  const stop = new AbortController();
  const engine = new KubernetesEngine(control);
  const running = engine.run(stop.signal);
  await t.rejects(engine.bootstrap(never), {
    kind: 'FAILED_PRECONDITION',
    message: /another server answers at https:\S+, where the cluster is to be: its certificate is not/,
  });
  t.equal(control.journal, undefined);
  stop.abort();
  await running;
});

t.test('a second init of a member, and of a node that becomes one', async (t) => {
  const node = new FakeNode();
  node.journal = { ...node.facts(), kind: 'init', done: [], isMember: true };
  const engine = new KubernetesEngine(node);
  await engine.run(never);
  const again = engine.bootstrap(never);
  await t.rejects(again, { kind: 'ALREADY_EXISTS', message: 'this node is a member of its cluster already' });
});

t.test(
  'a token that the cluster does not know: the config that is put right is what the next attempt takes',
  async (t) => {
    const node = new FakeNode('worker');
    node.isApiUp = true;
    let token = 'wrong';
    const written: string[] = [];
    const write = node.writeFiles.bind(node);
    node.writeFiles = async (kind) => {
      written.push(token);
      return await write(kind);
    };
    const kubeadm = node.kubeadm.bind(node);
    node.kubeadm = async (argv, run) => {
      if (written.at(-1) === 'wrong')
        throw new Error("the cluster does not know the token of this node's config: set cluster.token");
      return await kubeadm(argv, run);
    };
    const reported: string[] = [];
    const tell = node.tell.bind(node);
    node.tell = (about) => {
      tell(about);
      if (!about?.isProblem) return;
      reported.push(about.text);
      token = 'right';
    };
    await new KubernetesEngine(node).run(never);
    t.strictSame(reported, [
      "join phase kubelet-start (1 of 1) failed: the cluster does not know the token of this node's config: set cluster.token",
    ]);
    t.strictSame(written, ['wrong', 'right']);
    t.match(node.journal, { isMember: true });
  },
);
