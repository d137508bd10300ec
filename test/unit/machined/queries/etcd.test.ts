/** Calls about etcd as machined answers them: of a server that speaks etcd's API over mutual TLS, and of nodes that have none. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { wideNumber } from '../../../../lib/base/wide-varint.js';
import { EtcdService } from '../../../../lib/client/index.js';
import type { MachineConfig } from '../../../../lib/config/schema.js';
import type { etcdserverpb } from '../../../../lib/gen/etcd/etcd.js';
import { MachineServiceDefinition as api } from '../../../../lib/gen/machine/service.js';
import { Writer } from '../../../../lib/gen/runtime.js';
import { etcdQueries } from '../../../../lib/machined/queries/etcd.js';
import { type EtcdAnswers, EtcdServer } from '../../../helpers/etcd-server.js';

const never = new AbortController().signal;
/** With more bits than a number holds, the first one set. */
const FIRST = 0xf00dfeedcafe0123n;
const SECOND = 7n;
/** Protobuf: field 1, length-delimited. */
const MESSAGES_TAG = 0x0a;

const urls = (host: number) => ({
  peerUrls: [`https://10.5.0.${host}:2380`],
  clientUrls: [`https://10.5.0.${host}:2379`],
});

const STATUS: etcdserverpb.StatusResponse.$Properties = {
  header: { memberId: wideNumber(FIRST) },
  ...{ version: '3.4.23', dbSize: 2_400_000, dbSizeInUse: 1_100_000, leader: wideNumber(SECOND) },
  ...{ raftIndex: wideNumber(2n ** 60n + 1n), raftTerm: 2, raftAppliedIndex: 12, errors: ['NOSPACE'] },
};

/** Its response as a client gets it: machined gives the one message, osd makes it the first of the list. */
function answered<Reply>(
  { responseDeserialize }: { responseDeserialize(bytes: Buffer): { messages: Reply[] } },
  message: Uint8Array,
): Reply {
  const bytes = Writer.create().uint32(MESSAGES_TAG).bytes(message).finish();
  return responseDeserialize(Buffer.from(bytes)).messages[0] as Reply;
}

interface Node {
  type?: 'controlplane' | 'worker';
  folder: string;
  port?: number;
  timeoutMs?: number;
}

function queries({ type = 'controlplane', folder, port = 1, timeoutMs = 5000 }: Node) {
  const config = { running: { config: { machine: { type }, cluster: {} } as MachineConfig } };
  const place = { folder, host: '127.0.0.1', port, timeoutMs };
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  const table = etcdQueries({ config, log } as unknown as Parameters<typeof etcdQueries>[0], place);
  const call = async (method: { path: string }, request: Buffer, signal = never) => {
    const answer = table[method.path];
    if (answer === undefined) throw new Error(`${method.path} is not answered`);
    return await answer(request, { caller: 'test', signal });
  };
  return {
    lines,
    remove: (memberId: bigint) =>
      call(api.EtcdRemoveMemberByID, EtcdService.EtcdRemoveMemberByID.requestSerialize({ memberId })),
    members: async (queryLocal = false) =>
      answered(
        EtcdService.EtcdMemberList,
        await call(api.EtcdMemberList, api.EtcdMemberList.requestSerialize({ queryLocal })),
      ),
    status: async (signal?: AbortSignal) =>
      answered(EtcdService.EtcdStatus, await call(api.EtcdStatus, api.EtcdStatus.requestSerialize({}), signal)),
  };
}

t.test('members and status, with numbers that are whole', async (t) => {
  const asked: boolean[] = [];
  const members = [
    { id: wideNumber(FIRST), name: 'node-1', ...urls(2) },
    { id: wideNumber(SECOND), name: '', ...urls(3), isLearner: true },
  ];
  const server = await EtcdServer.start({
    members: ({ linearizable }) => {
      asked.push(linearizable);
      return { members };
    },
    status: () => STATUS,
  });
  t.teardown(() => server.stop());
  const node = queries({ folder: t.testdir({ pki: { etcd: server.files } }), port: server.port });
  t.match(await node.members(), {
    members: [
      { id: FIRST, hostname: 'node-1', ...urls(2), isLearner: false },
      { id: SECOND, hostname: '', ...urls(3), isLearner: true },
    ],
    legacyMembers: ['node-1', ''],
  });
  await node.members(true);
  t.strictSame(asked, [true, false], 'the majority, unless what this one knows is wanted');
  t.match((await node.status()).memberStatus, {
    ...{ memberId: FIRST, leader: SECOND, raftIndex: 2n ** 60n + 1n, raftTerm: 2n, raftAppliedIndex: 12n },
    ...{
      dbSize: 2_400_000n,
      dbSizeInUse: 1_100_000n,
      protocolVersion: '3.4.23',
      errors: ['NOSPACE'],
      isLearner: false,
    },
  });
});

t.test('a member that does not come back is removed, by all of its id', async (t) => {
  const removed: bigint[] = [];
  const members = [
    { id: wideNumber(FIRST), name: 'node-1', ...urls(2) },
    { id: wideNumber(FIRST + 1n), name: 'node-2', ...urls(3) },
    { id: wideNumber(SECOND), name: '', ...urls(4) },
  ];
  const server = await EtcdServer.start({
    members: () => ({ members }),
    status: () => undefined,
    remove(id) {
      removed.push(id);
      if (id === SECOND) return { code: status.FAILED_PRECONDITION, details: 'etcdserver: unhealthy cluster' };
      return {};
    },
  });
  t.teardown(() => server.stop());
  const { remove, lines } = queries({ folder: t.testdir({ pki: { etcd: server.files } }), port: server.port });
  await remove(FIRST + 1n);
  t.strictSame(removed, [FIRST + 1n]);
  t.strictSame(lines, ['test has removed the member f00dfeedcafe0124 of etcd (node-2)']);
  await t.rejects(remove(SECOND), { kind: 'UNAVAILABLE', message: /unhealthy cluster/ });
  await t.rejects(remove(8n), {
    kind: 'NOT_FOUND',
    message: /no member 0000000000000008; there are f00dfeedcafe0123 /,
  });
  members.length = 1;
  await t.rejects(remove(FIRST), { kind: 'FAILED_PRECONDITION', message: /only member/ });
  t.strictSame(removed, [FIRST + 1n, SECOND]);
  t.equal(lines.length, 1);
});

t.test('a node that has none says why, in a sentence', async (t) => {
  const refused = (message: RegExp) => ({ kind: 'FAILED_PRECONDITION', message });
  await t.rejects(queries({ type: 'worker', folder: t.testdir() }).status(), refused(/is a worker.*ask one of those/));
  await t.rejects(queries({ folder: t.testdir() }).members(), refused(/has not been set up.*osctl service kubelet/));
});

t.test('one that does not answer, or that is not of the cluster, is not waited for', async (t) => {
  const silent = (message: RegExp) => ({ kind: 'UNAVAILABLE', message });
  const answers: EtcdAnswers = {
    members: () => ({ code: status.UNAVAILABLE, details: 'etcdserver: no leader' }),
    status: () => undefined,
  };
  const [server, other] = [await EtcdServer.start(answers), await EtcdServer.start(answers)];
  t.teardown(() => server.stop());
  t.teardown(() => other.stop());
  const folder = t.testdir({ pki: { etcd: server.files } });
  const { port } = server;
  await t.rejects(queries({ folder, port }).members(), silent(/cannot answer: .*osctl etcd status.*no leader/));
  await t.rejects(queries({ folder, port, timeoutMs: 100 }).status(), silent(/does not answer: .*osctl logs -k/));
  await t.rejects(queries({ folder, port: other.port }).members(), silent(/does not answer: /));
  await t.rejects(queries({ folder, port: 1 }).members(), silent(/does not answer: .*ECONNREFUSED/));
  const gone = new AbortController();
  const waiting = queries({ folder, port }).status(gone.signal);
  gone.abort(new Error('nobody waits'));
  await t.rejects(waiting, { message: 'nobody waits' });
  const broken = t.testdir({ pki: { etcd: { ...server.files, 'healthcheck-client.key': 'no key' } } });
  await t.rejects(queries({ folder: broken, port }).members(), silent(/certificates or key cannot be used/));
});
