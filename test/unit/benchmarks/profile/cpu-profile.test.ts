import t from 'tap';
import { readCpuProfile, stacksOf, WHOLE } from '../../../../benchmarks/profile/cpu-profile.js';
import { frameText } from '../../../../benchmarks/profile/stack.js';

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: url === '' ? -1 : 9 },
  children,
});

/** (root) → a → b, and waiting beside them. */
const PROFILE = {
  nodes: [
    node(1, '(root)', '', [2, 4]),
    node(2, 'a', 'file:///a.js', [3]),
    node(3, '', 'file:///b.js'),
    node(4, '(idle)', ''),
  ],
  startTime: 1000,
  endTime: 2000,
  samples: [2, 3, 4, 3],
  timeDeltas: [100, 200, 300, 150],
};

const read = (value: unknown) =>
  readCpuProfile(JSON.stringify(value), 'x.cpuprofile', (url) => url.slice('file:///'.length));
const shown = (profile: ReturnType<typeof read>, span = WHOLE) => {
  const { stacks, idleUs } = stacksOf(profile, span);
  return {
    idleUs,
    stacks: stacks.map(({ frames, microseconds }) => [frames.map(frameText).join(' > '), microseconds]),
  };
};

t.test('a sample lasts until the next, the last one until the end; waiting is no work', async (t) => {
  t.strictSame(shown(read(PROFILE)), {
    idleUs: 150,
    stacks: [
      ['a  a.js:10', 200],
      // From 1300 to 1600, and from 1750 to 2000.
      ['a  a.js:10 > (anonymous)  b.js:10', 300 + 250],
    ],
  });
});

t.test('samples in the wrong order are put right', async (t) => {
  const swapped = { ...PROFILE, samples: [2, 4, 3, 3], timeDeltas: [100, 500, -300, 450] };
  t.strictSame(shown(read(swapped)), shown(read(PROFILE)));
});

t.test('of a span only what lies in it counts', async (t) => {
  t.strictSame(shown(read(PROFILE), { fromUs: 1250, untilUs: 1650 }), {
    idleUs: 50,
    stacks: [
      ['a  a.js:10', 50],
      ['a  a.js:10 > (anonymous)  b.js:10', 300],
    ],
  });
  t.strictSame(shown(read(PROFILE), { fromUs: 3000, untilUs: 4000 }), { idleUs: 0, stacks: [] });
});

t.test('what has no script is told apart', async (t) => {
  const nodes = [node(1, '(root)', '', [2, 3]), node(2, '(garbage collector)', ''), node(3, 'writev', '')];
  const profile = read({ ...PROFILE, nodes, samples: [2, 3], timeDeltas: [0, 400] });
  t.strictSame(shown(profile).stacks, [
    ['(garbage collector)', 400],
    ['writev  (engine)', 600],
  ]);
});

t.test('chains of calls may be deep', async (t) => {
  const depth = 20_000;
  const nodes = Array.from({ length: depth }, (_, at) =>
    node(at + 1, `f${at}`, 'file:///a.js', at + 1 < depth ? [at + 2] : []),
  );
  const { stacks } = stacksOf(read({ ...PROFILE, nodes, samples: [depth], timeDeltas: [0] }), WHOLE);
  t.equal(stacks[0]?.frames.length, depth);
});

t.test('what is no profile is refused in a sentence with its name', async (t) => {
  const refused = (text: string, why: RegExp) =>
    t.throws(() => readCpuProfile(text, 'x.cpuprofile', (url) => url), { code: 'ERR_PROFILE', message: why });
  const whole = JSON.stringify(PROFILE);
  refused(whole.slice(0, whole.length / 2), /^x\.cpuprofile is no CPU profile of V8: it ends early, or is not JSON$/);
  refused('', /it is empty$/);
  refused('null', /no list of nodes/);
  refused('{"nodes":[{}]}', /no list of nodes/);
  const changed = (change: object, why: RegExp) => refused(JSON.stringify({ ...PROFILE, ...change }), why);
  changed({ samples: undefined }, /no samples/);
  changed({ timeDeltas: [1, null, 3, 4] }, /no samples, or no times/);
  changed({ timeDeltas: [1] }, /4 samples and the times of 1$/);
  changed({ startTime: undefined }, /when it began/);
  changed({ samples: [2, 3, 9, 3] }, /sample 2 is of node 9/);
  changed({ nodes: [node(1, '(root)', '', [7])] }, /node 7 is referred to/);
  changed(
    { nodes: [node(1, '(root)', '', [2, 3]), node(2, 'a', '', [4]), node(3, 'b', '', [4]), node(4, 'c', '')] },
    /node 4 is called from two places/,
  );
  changed({ nodes: [...PROFILE.nodes, node(5, 'a', '', [6]), node(6, 'b', '', [5])] }, /in a circle/);
});
