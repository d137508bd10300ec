// Whole states out of lists and watches, against a real server that does everything a server does to its watchers.
import t, { type Test } from 'tap';
import { parseKubeconfig } from '../../../../lib/kube/api/access.js';
import { KubeClient } from '../../../../lib/kube/api/client.js';
import { apiMembersOf } from '../../../../lib/kube/api/endpoints.js';
import type { JsonObject } from '../../../../lib/kube/api/json.js';
import { textAt } from '../../../../lib/kube/api/json.js';
import { type ClusterNode, clusterNodeOf, firstControlPlane, ownPodCidrs } from '../../../../lib/kube/api/nodes.js';
import { type WatchListOptions, watchList } from '../../../../lib/kube/api/watch-list.js';
import { seconds, within } from '../../../helpers/deadline.js';
import { type Behaviour, KubeApi, sendStatus } from '../../../helpers/kube-api.js';

const PATH = '/api/v1/nodes';

interface Kept {
  name: string;
  role: string;
}

const select = (object: JsonObject): Kept | undefined => {
  const name = textAt(object, 'metadata', 'name') ?? '';
  return name === 'not-kept' ? undefined : { name, role: textAt(object, 'spec', 'role') ?? '' };
};

async function followed(t: Test, options: Partial<WatchListOptions<Kept>> = {}, behave?: Behaviour) {
  const api = await KubeApi.start();
  api.behave = behave;
  const client = new KubeClient({ access: parseKubeconfig(await api.kubeconfig('system:node:node-1')) });
  const states: string[][] = [];
  const problems: string[] = [];
  const pauses: number[] = [];
  let wake = () => {};
  const stop = new AbortController();
  const begin = () =>
    watchList(
      {
        ...{ client, resource: { path: PATH }, select, random: () => 1 },
        changed: (items) => {
          states.push(items.map(({ name, role }) => `${name}${role === '' ? '' : `=${role}`}`).sort());
          wake();
        },
        problem: (text) => {
          problems.push(text);
          wake();
        },
        // As long as it takes the event loop to turn: the pause itself is what the test looks at.
        pause: async (delayMs) => {
          pauses.push(delayMs);
          wake();
        },
        ...options,
      },
      stop.signal,
    ).catch((error: unknown) => error);
  t.teardown(async () => {
    stop.abort(new Error('enough'));
    client.close();
    await api.stop();
  });
  const until = (what: string, isTrue: () => boolean) =>
    within(
      seconds(20),
      what,
      (async () => {
        while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve));
      })(),
      () => JSON.stringify({ states, problems, pauses }),
    );
  return { api, states, problems, pauses, until, begin, stop };
}

/** That so many watches were begun, and one is under way. */
const watching = (api: KubeApi, count: number) =>
  within(
    seconds(20),
    `watch ${count}`,
    api.until(() => api.requests.length - lists(api) === count && api.watching === 1),
    () => JSON.stringify([api.requests.length, lists(api), api.watching]),
  );
const lists = (api: KubeApi) => api.requests.filter(({ query }) => query.get('watch') === null).length;

t.test('a state at first, and then whenever it is another one', async (t) => {
  const { api, states, problems, until, begin, stop } = await followed(t);
  api.set(PATH, { metadata: { name: 'a' } });
  api.set(PATH, { metadata: { name: 'not-kept' } });
  const over = begin();
  await until('the first state', () => states.length === 1);
  t.same(states, [['a']]);
  await watching(api, 1);
  api.set(PATH, { metadata: { name: 'b' }, spec: { role: 'x' } });
  await until('one more', () => states.length === 2);
  // A heartbeat changes nothing that is kept.
  api.set(PATH, { metadata: { name: 'b' }, spec: { role: 'x' }, status: { heartbeat: 1 } });
  api.set(PATH, { metadata: { name: 'not-kept' }, spec: { role: 'x' } });
  api.set(PATH, { metadata: { name: 'b' }, spec: { role: 'y' } });
  await until('a change', () => states.length === 3);
  api.delete(PATH, 'a');
  await until('one less', () => states.length === 4);
  t.same(states.slice(1), [['a', 'b=x'], ['a', 'b=y'], ['b=y']]);
  t.same(problems, []);
  t.equal(lists(api), 1);
  stop.abort(new Error('enough'));
  t.match(await over, { message: 'enough' });
});

t.test('an empty collection is a state, too', async (t) => {
  const { states, until, begin } = await followed(t);
  void begin();
  await until('the state', () => states.length === 1);
  t.same(states, [[]]);
});

t.test('a watch that the server ends, or that breaks, goes on from where it was', async (t) => {
  const { api, states, problems, pauses, until, begin } = await followed(t);
  void begin();
  await watching(api, 1);
  api.set(PATH, { metadata: { name: 'a' } });
  await until('the first', () => states.length === 2);
  api.endWatches();
  await until('the pause', () => pauses.length === 1);
  await watching(api, 2);
  t.equal(api.requests.at(-1)?.query.get('resourceVersion'), '101');
  t.same(problems, [], 'that is the way of watches');
  api.set(PATH, { metadata: { name: 'b' } });
  await until('the second', () => states.length === 3);
  api.writeToWatches('{"type":"ADDED","object":{"metadata":{"na');
  api.cut();
  await until('a problem', () => problems.length === 1);
  t.match(problems[0], /cannot be reached|in the middle/);
  await until('that it is over', () => problems.length === 2);
  t.equal(problems[1], '');
  await watching(api, 3);
  t.equal(api.requests.at(-1)?.query.get('resourceVersion'), '102');
  // Changed while nobody watched.
  api.cut();
  api.set(PATH, { metadata: { name: 'c' } });
  await until('the third', () => states.length === 4);
  t.same(states.at(-1), ['a', 'b', 'c']);
  t.equal(lists(api), 1, 'it was listed once');
});

t.test(
  'a bookmark moves on; a version that is forgotten is listed again, and what went meanwhile is gone',
  async (t) => {
    const { api, states, problems, pauses, until, begin } = await followed(t);
    api.set(PATH, { metadata: { name: 'a' } });
    void begin();
    await until('the first state', () => states.length === 1);
    await watching(api, 1);
    api.set('/api/v1/pods', { metadata: { name: 'other' } });
    api.compact();
    api.bookmark();
    api.endWatches();
    await until('the pause', () => pauses.length === 1);
    await watching(api, 2);
    t.equal(lists(api), 1, 'the bookmark was newer');
    api.behave = (request) => {
      // Between the end of the watch and the next one.
      if (request.query.get('watch') === null) return false;
      api.behave = undefined;
      api.delete(PATH, 'a');
      api.set(PATH, { metadata: { name: 'b' } });
      api.compact();
      return false;
    };
    api.bookmark();
    api.endWatches();
    await until('the other state', () => states.length === 2);
    t.same(states[1], ['b']);
    t.equal(lists(api), 2);
    t.same(problems, [], 'nobody has to do anything about that');
  },
);

t.test('pauses grow, less a random part, and a server that is busy is left alone', async (t) => {
  let refusals = 0;
  const { states, problems, pauses, until, begin } = await followed(
    t,
    { random: () => 0, maxFirstDelayMs: 3000 },
    (request, response) => {
      if (request.query.get('watch') !== null || refusals >= 5) return false;
      refusals++;
      if (refusals === 3) response.setHeader('retry-after', '20');
      sendStatus(response, refusals === 3 ? 429 : 403, 'no');
      return true;
    },
  );
  void begin();
  await until('the state', () => states.length === 1);
  t.same(pauses.slice(0, 5), [125, 250, 20_000, 1000, 1500]);
  t.match(problems, [/\(403\)/, /\(429\)/, /\(403\)/, ''], 'each once in a row');
});

t.test('a watch in which nothing was heard is not trusted', async (t) => {
  const { api, states, begin } = await followed(t);
  api.set(PATH, { metadata: { name: 'a' } });
  void begin();
  await watching(api, 1);
  t.equal(lists(api), 1);
  api.endWatches();
  await within(
    seconds(20),
    'a list',
    api.until(() => lists(api) === 2),
  );
  await watching(api, 2);
  t.equal(states.length, 1, 'the same state is not told again');
  api.bookmark();
  api.endWatches();
  await watching(api, 3);
  t.equal(lists(api), 2);
});

t.test('a server that does not know the version yet is listed anew', async (t) => {
  const { api, states, until, begin } = await followed(t);
  api.set(PATH, { metadata: { name: 'a' } });
  void begin();
  await watching(api, 1);
  // As one whose data was restored from a backup: the version lies in its future.
  let refusals = 3;
  api.behave = ({ query }, response) => {
    if (query.get('watch') === null || refusals-- <= 0) return false;
    const object = { kind: 'Status', code: 504, message: 'Too large resource version' };
    response.writeHead(200);
    response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    return true;
  };
  api.bookmark();
  api.endWatches();
  await within(
    seconds(20),
    'a list',
    api.until(() => lists(api) === 2),
  );
  t.same(
    api.requests.slice(2, 5).map(({ query }) => query.get('resourceVersion')),
    ['101', '101', '101'],
  );
  api.set(PATH, { metadata: { name: 'b' } });
  await until('the new state', () => states.length === 2);
  t.same(states[1], ['a', 'b']);
});

t.test('an event that is none costs a list, not the state', async (t) => {
  const { api, states, problems, until, begin } = await followed(t);
  api.set(PATH, { metadata: { name: 'a' } });
  void begin();
  await watching(api, 1);
  api.writeToWatches('{"type":"ADDED","object":{"constructor":{"metadata":{"resourceVersion":"9"}}}}\n');
  await until('a problem', () => problems.length === 1);
  t.match(problems, [/no event of/]);
  await watching(api, 2);
  t.equal(lists(api), 2);
  t.same(states, [['a']]);
});

t.test('nodes and API servers, out of whatever there is', (t) => {
  const node = {
    metadata: { name: 'node-1', uid: 'u-1', creationTimestamp: '2026-11-30T00:00:00Z' },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] },
    status: {
      addresses: [
        { type: 'Hostname', address: 'node-1' },
        { type: 'InternalIP', address: '10.5.0.3' },
        { type: 'InternalIP', address: 7 },
      ],
    },
  };
  const found = clusterNodeOf(node);
  t.same(found, {
    ...{ name: 'node-1', uid: 'u-1', createdMs: Date.parse('2026-11-30T00:00:00Z') },
    ...{ isControlPlane: false, podCidrs: ['10.244.1.0/24', 'fd00:1::/64'], internalAddresses: ['10.5.0.3'] },
  });
  t.same(clusterNodeOf({ metadata: { name: 'new' } }), {
    ...{ name: 'new', uid: '', createdMs: 0, isControlPlane: false, podCidrs: [], internalAddresses: [] },
  });
  t.same(clusterNodeOf({ metadata: { name: 'old' }, spec: { podCIDR: '10.244.1.0/24' } })?.podCidrs, ['10.244.1.0/24']);
  t.equal(clusterNodeOf({ metadata: { name: 7 } }), undefined);
  t.same(ownPodCidrs(found ? [found] : [], 'node-1'), ['10.244.1.0/24', 'fd00:1::/64']);
  t.same(ownPodCidrs(found ? [found] : [], 'node-2'), []);
  const member = (name: string, second: number, labels: object) =>
    clusterNodeOf({ metadata: { name, labels, creationTimestamp: `2026-11-30T00:00:0${second}Z` } }) as ClusterNode;
  const control = { 'node-role.kubernetes.io/control-plane': '' };
  t.equal(firstControlPlane([]), undefined);
  t.equal(firstControlPlane([member('w', 1, { 'node-role.kubernetes.io/worker': '' })]), undefined);
  const several = [member('w', 1, {}), member('c', 3, control), member('b', 2, control), member('a', 2, control)];
  t.equal(firstControlPlane(several), 'a', 'the oldest, by name among equals');
  const subset = { addresses: [{ ip: '10.5.0.2' }, { ip: '10.5.0.3' }], ports: [{ name: 'https', port: 6443 }] };
  t.same(apiMembersOf({ subsets: [subset] }), [
    { host: '10.5.0.2', port: 6443 },
    { host: '10.5.0.3', port: 6443 },
  ]);
  t.same(apiMembersOf({ subsets: [{ addresses: [{}], ports: [{ port: 1 }, { port: 2 }] }] }), [{ host: '', port: 0 }]);
  t.same(apiMembersOf({}), []);
  t.end();
});
