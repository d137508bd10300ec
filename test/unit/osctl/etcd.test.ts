/** osctl etcd, against a node that this test plays. */
import t from 'tap';
import { FakeNode, type Handlers } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

/** More than a number holds, as a pair of halves, which the encoder takes. */
const wide = (hex: string) => ({
  low: Number.parseInt(hex.slice(8), 16) | 0,
  high: Number.parseInt(hex.slice(0, 8), 16) | 0,
  unsigned: true,
});
const FIRST = 'f00dfeedcafe0123';
const SECOND = '0000000000000007';

t.test('osctl etcd', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const requests: unknown[] = [];
  const handlers: Handlers = {
    EtcdMemberList: (request) => {
      requests.push(request);
      const urls = (host: number) => ({
        peerUrls: [`https://10.5.0.${host}:2380`],
        clientUrls: [`https://10.5.0.${host}:2379`, `https://[fd00::${host}]:2379`],
      });
      const members = [
        { id: wide(FIRST), hostname: 'node-1', ...urls(2) },
        { id: wide(SECOND), hostname: 'node-2', ...urls(3), isLearner: true },
      ];
      return { messages: [{ metadata: { hostname: 'node-1' }, members }] };
    },
    EtcdRemoveMemberByID: (request) => {
      requests.push(request);
      return { messages: [{}] };
    },
    EtcdStatus: () => ({
      messages: [
        {
          memberStatus: {
            ...{ protocolVersion: '3.4.13', dbSize: 2_400_000, dbSizeInUse: 1_100_000, leader: wide(SECOND) },
            ...{ raftIndex: 5_000_000_000, raftTerm: 2, raftAppliedIndex: 4_999_999_999, memberId: wide(FIRST) },
            errors: ['NOSPACE'],
          },
        },
      ],
    }),
  };
  const node = await FakeNode.start({ handlers });
  t.teardown(() => node[Symbol.asyncDispose]());
  const config = await home.write('config', node.talosconfig());
  const osctl = async (...words: string[]) => {
    const { code, stdout, stderr } = await home.run('--talosconfig', config, 'etcd', ...words);
    t.equal(code, 0, stderr);
    return stdout;
  };
  const cells = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));

  await t.test('members, with ids that are whole', async (t) => {
    t.same(cells(await osctl('members')), [
      ['ID', 'HOSTNAME', 'PEER URLS', 'CLIENT URLS', 'LEARNER'],
      [FIRST, 'node-1', 'https://10.5.0.2:2380', 'https://10.5.0.2:2379,https://[fd00::2]:2379', 'false'],
      [SECOND, 'node-2', 'https://10.5.0.3:2380', 'https://10.5.0.3:2379,https://[fd00::3]:2379', 'true'],
    ]);
    const json = JSON.parse(await osctl('members', '--local', '-o', 'json'));
    t.match(json, [
      { node: node.endpoint, id: FIRST, hostname: 'node-1' },
      { id: SECOND, isLearner: true },
    ]);
    t.match(requests, [{ queryLocal: false }, { queryLocal: true }]);
  });

  await t.test('status', async (t) => {
    t.same(cells(await osctl('status')), [
      ['MEMBER', 'DB SIZE', 'IN USE', 'LEADER', 'RAFT INDEX', 'RAFT TERM', 'APPLIED', 'LEARNER', 'ERRORS'],
      [FIRST, '2.4 MB', '1.1 MB', SECOND, '5000000000', '2', '4999999999', 'false', 'NOSPACE'],
    ]);
    t.match(JSON.parse(await osctl('status', '-o', 'json')), [
      { member: FIRST, leader: SECOND, dbSizeBytes: 2_400_000, protocolVersion: '3.4.13', errors: ['NOSPACE'] },
    ]);
  });

  await t.test('a member is removed by its id, and by nothing else', async (t) => {
    requests.length = 0;
    t.equal(await osctl('remove-member', SECOND), '');
    t.match(requests, [{ memberId: 7 }]);
    t.match(JSON.parse(await osctl('remove-member', '7', '-o', 'json')), { node: node.endpoint, member: SECOND });
    for (const id of ['node-1', `${FIRST}0`, '']) {
      const { code, stderr } = await home.run('--talosconfig', config, 'etcd', 'remove-member', id);
      t.equal(code, 2, stderr);
      t.match(stderr, /up to 16 hexadecimal digits/);
    }
    t.equal(requests.length, 2);
  });

  await t.test('a node that does not serve it says so', async (t) => {
    const bare = await FakeNode.start();
    t.teardown(() => bare[Symbol.asyncDispose]());
    const other = await home.write('other', bare.talosconfig());
    const { code, stderr } = await home.run('--talosconfig', other, 'etcd', 'members');
    t.equal(code, 1);
    t.match(stderr, /^osctl: UNIMPLEMENTED: /);
  });
});
