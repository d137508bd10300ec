/** Bootstrap as machined answers it, and what there is of Kubernetes before and without its engine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ControlError } from '../../../../lib/control/errors.js';
import { MachineServiceDefinition as api } from '../../../../lib/gen/machine/service.js';
import { Kubernetes } from '../../../../lib/machined/kubernetes/index.js';
import { bootstrapQueries } from '../../../../lib/machined/queries/bootstrap.js';
import { NO_KUBERNETES } from '../no-containers.js';

const context = { caller: 'test', signal: new AbortController().signal };
const { path, requestSerialize } = api.Bootstrap;

function query(bootstrap: () => Promise<void>) {
  const lines: string[] = [];
  const kubernetes = { ...NO_KUBERNETES, bootstrap };
  const table = bootstrapQueries({ kubernetes, log: (text) => lines.push(text) });
  const call = async (request: Parameters<typeof requestSerialize>[0]) => {
    const answer = table[path];
    if (answer === undefined) throw new Error('Bootstrap is not answered');
    return await answer(requestSerialize(request), context);
  };
  return { call, lines };
}

t.test('it is answered once it is begun, and who asked is in the log', async (t) => {
  let begun = 0;
  const { call, lines } = query(async () => void begun++);
  t.equal((await call({})).length, 0);
  t.equal(begun, 1);
  t.strictSame(lines, ['test has made this node the first control plane of its cluster']);
  await t.rejects(call({ recoverEtcd: true }), {
    kind: 'INVALID_ARGUMENT',
    message: /cannot recover etcd/,
  });
  t.equal(begun, 1);
});

t.test('a refusal is passed on, and not in the log as if it had been begun', async (t) => {
  const { call, lines } = query(async () => {
    throw new ControlError('ALREADY_EXISTS', 'this node is a member of its cluster already');
  });
  await t.rejects(call({}), { kind: 'ALREADY_EXISTS', message: /member/ });
  t.strictSame(lines, []);
});

t.test(
  'before the disks are ready, and where the image has no Kubernetes or another one than this machined knows',
  async (t) => {
    const folder = t.testdir();
    const options = {} as ConstructorParameters<typeof Kubernetes>[0];
    const file = join(folder, 'other.json');
    const without = new Kubernetes(options, { file: join(folder, 'release.json') });
    const early = without.bootstrap(context.signal);
    await without.start();
    await t.rejects(early, { kind: 'FAILED_PRECONDITION', message: /has no Kubernetes/ });
    await t.rejects(without.bootstrap(context.signal), { kind: 'FAILED_PRECONDITION', message: /has no Kubernetes/ });
    const slow = new Kubernetes(options, { file, patienceMs: 1 });
    const waiting = setInterval(() => {}, 1000);
    await t.rejects(slow.bootstrap(context.signal), { kind: 'UNAVAILABLE', message: /try again/ });
    clearInterval(waiting);
    await writeFile(file, '{}');
    await t.rejects(new Kubernetes(options, { file }).start(), { code: 'ERR_MANIFEST' });
  },
);
