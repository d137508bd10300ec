/** Leaving a cluster: what kubeadm's words mean. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { removeEtcdMember } from '../../../../lib/machined/kubernetes/leave.js';

const never = new AbortController().signal;

t.test('an etcd that is in the cluster still is a failure, though kubeadm ends well', async (t) => {
  const program = join(t.testdir(), 'kubeadm');
  const says = async (script: string) => {
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o755);
  };
  const lines: string[] = [];
  const options = { program, log: (text: string) => void lines.push(text) };
  await says('echo "$@"');
  await removeEtcdMember(never, options);
  t.strictSame(lines, ['kubeadm: reset phase remove-etcd-member --kubeconfig=/etc/kubernetes/admin.conf']);
  await says(
    'echo "W1130 01:02:03.000004       5 removeetcdmember.go:79] [reset] failed to remove etcd member: etcdserver: unhealthy cluster, please manually remove this etcd member using etcdctl" >&2',
  );
  await t.rejects(removeEtcdMember(never, options), {
    code: 'ERR_KUBEADM',
    message: 'its etcd was not removed from the cluster: etcdserver: unhealthy cluster',
  });
  await says('echo "error: no admin.conf" >&2; exit 1');
  await t.rejects(removeEtcdMember(never, options), { code: 'ERR_KUBEADM', message: 'no admin.conf' });
});
