import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { OWN_PARAMETERS } from '../../../lib/base/kernel-parameters.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { readManifests } from '../../../lib/image/root-image.js';
import { KernelCommandLine } from '../../../lib/os/kernel-command-line.js';
import {
  maxRestartDelayMs,
  RESTART_DELAY,
  TEST_PARAMETERS_FILE,
  testParameters,
} from '../../../lib/os/test-parameters.js';

const delay = (line: string, allowed: string[]) => maxRestartDelayMs(new KernelCommandLine(line), allowed);

t.test('the command line alone changes nothing', async (t) => {
  t.equal(delay(`${RESTART_DELAY}=250`, []), 30_000);
  t.equal(delay(`${RESTART_DELAY}=250`, ['talos.other']), 30_000);
  t.equal(delay('quiet', [RESTART_DELAY]), 30_000, 'nor does the image');
});

t.test('both together bound the back-off, which never grows by it', async (t) => {
  t.equal(delay(`quiet ${RESTART_DELAY}=250`, [RESTART_DELAY]), 250);
  t.equal(delay('talos.restart-delay=1', [RESTART_DELAY]), 1, 'as the kernel spells names');
  for (const value of ['0', '30001', '99999', '100000', '-1', '1.5', '1s', '']) {
    t.equal(delay(`${RESTART_DELAY}=${value}`, [RESTART_DELAY]), 30_000, JSON.stringify(value));
  }
});

t.test('the file has a name a line; without it there are none', async (t) => {
  const file = join(t.testdir(), 'test-parameters');
  t.same(await testParameters(file), []);
  writeFileSync(file, `${RESTART_DELAY}\ntalos.other\n`);
  t.same(await testParameters(file), [RESTART_DELAY, 'talos.other']);
  await t.rejects(testParameters(t.testdirName), { code: 'EISDIR' }, 'what cannot be read is not taken for nothing');
});

t.test('only the layer of the tests has the file, with the names that there are', async (t) => {
  const root = repositoryRoot();
  const released = await readManifests(root, 'amd64', undefined);
  const tested = await readManifests(root, 'amd64', 'test');
  t.notOk(released.some(({ path }) => path === TEST_PARAMETERS_FILE));
  t.match(
    tested.find(({ path }) => path === TEST_PARAMETERS_FILE),
    { from: { file: 'test/layer/test-parameters' } },
  );
  t.same(await testParameters(join(root, 'test/layer/test-parameters')), [RESTART_DELAY]);
  t.notOk(OWN_PARAMETERS.includes(RESTART_DELAY));
});
