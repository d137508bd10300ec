/** Leaving a cluster: etcd is told, by whichever member answers, and whatever it says against it is a failure that changes nothing. */
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { wideNumber } from '../../../../lib/base/wide-varint.js';
import type { MachineConfig } from '../../../../lib/config/schema.js';
import { removeEtcdMember } from '../../../../lib/machined/kubernetes/leave.js';
import { type EtcdAnswers, EtcdServer } from '../../../helpers/etcd-server.js';

const never = new AbortController().signal;
/** With more bits than a number holds, the first one set. */
const OWN = 0xf00dfeedcafe0123n;
const CONFIG = { machine: { type: 'controlplane' }, cluster: {} } as MachineConfig;

const member = (id: bigint, name: string, host: string) => ({
  ...{ id: wideNumber(id), name, peerUrls: [`https://${host}:2380`], clientUrls: [] },
});
const OTHERS = [member(7n, 'node-2', '10.5.0.3'), member(8n, 'node-3', '[fd00::4]')];

async function etcd(t: Test, answers: Partial<EtcdAnswers>) {
  const removed: bigint[] = [];
  const server = await EtcdServer.start({
    members: () => ({ members: [member(OWN, 'node-1', '10.5.0.2'), ...OTHERS] }),
    status: () => undefined,
    remove(id) {
      removed.push(id);
      return {};
    },
    ...answers,
  });
  t.teardown(() => server.stop());
  const place = {
    ...{ folder: t.testdir({ pki: { etcd: server.files } }), host: '127.0.0.1', port: server.port, timeoutMs: 5000 },
  };
  const about = { config: CONFIG, nodeName: 'node-1', addresses: ['10.5.0.2', 'fd00::2'] };
  return { removed, place, leave: (places = [place]) => removeEtcdMember({ ...about, places }, never) };
}

t.test('the member of this node is removed, and no other one', async (t) => {
  const { leave, removed } = await etcd(t, {});
  await leave();
  t.strictSame(removed, [OWN]);
});

t.test('one that was let in and has not run yet has no name', async (t) => {
  for (const host of ['10.5.0.2', '[fd00::2]']) {
    const { leave, removed } = await etcd(t, {
      members: () => ({ members: [...OTHERS, member(9n, '', '10.5.0.9'), member(OWN, '', host)] }),
    });
    await leave();
    t.strictSame(removed, [OWN], host);
  }
});

t.test('there is nothing to leave: the last one, and one that is in there no more', async (t) => {
  for (const members of [[member(OWN, 'node-1', '10.5.0.2')], OTHERS]) {
    const { leave, removed } = await etcd(t, { members: () => ({ members }) });
    await leave();
    t.strictSame(removed, []);
  }
});

t.test('what etcd says against it is a failure', async (t) => {
  const details = 'etcdserver: re-configuration failed due to not enough started members';
  const { leave } = await etcd(t, { remove: () => ({ code: status.FAILED_PRECONDITION, details }) });
  await t.rejects(leave(), { kind: 'UNAVAILABLE', message: /cannot answer: .*not enough started members/ });
  const silent = await etcd(t, { members: () => ({ code: status.UNAVAILABLE, details: 'etcdserver: no leader' }) });
  await t.rejects(silent.leave(), { kind: 'UNAVAILABLE', message: /no leader/ });
});

t.test('a node whose own etcd does not run is taken out by another one', async (t) => {
  const { place, leave, removed } = await etcd(t, {});
  const dead = { ...place, port: 1 };
  await leave([dead, place]);
  t.strictSame(removed, [OWN]);
  await t.rejects(leave([dead, dead]), { kind: 'UNAVAILABLE', message: /etcd of this node does not answer/ });
  t.strictSame(removed, [OWN]);
});
