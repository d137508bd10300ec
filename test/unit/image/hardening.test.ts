import t from 'tap';
import { bootParameters } from '../../../lib/image/boot-parameters.js';
import {
  checkHardening,
  type HardeningException,
  type HardeningRow,
  hardeningProblems,
  parseRows,
  readExceptions,
} from '../../../lib/image/hardening.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { seconds } from '../../helpers/deadline.js';
import { shippedKernels } from '../../helpers/shipped-kernels.js';

// The first run fetches the checker and unpacks what configures a kernel.
t.setTimeout(seconds(170));

const root = repositoryRoot();
const onProgress = () => {};

t.test('rows and exceptions', async (t) => {
  const row = (name: string, isFollowed: boolean, wanted = 'y'): HardeningRow => ({
    kind: 'option',
    name,
    wanted,
    from: 'kspp',
    isFollowed,
  });
  const exception = (name: string, more: Partial<HardeningException> = {}): HardeningException => ({
    ...{ kind: 'option', name, architecture: 'all', wanted: 'y', ours: 'n', reason: 'why' },
    ...more,
  });
  const subject = { config: '# CONFIG_A is not set\nCONFIG_B=y\n' };
  const amd64 = { arch: 'amd64', profile: 'default' } as const;
  const problems = (rows: HardeningRow[], ...exceptions: HardeningException[]) =>
    hardeningProblems(rows, exceptions, subject, amd64);
  const a = row('CONFIG_A', false);
  t.same(problems([a], exception('CONFIG_A')), []);
  t.same(problems([row('CONFIG_B', true)]), []);
  t.match(problems([a]), [/^option CONFIG_A \(wanted: y\) of kspp: n, and no exception says why$/]);
  t.match(problems([a], exception('CONFIG_A', { ours: 'absent' })), [/: n, and its exception says absent$/]);
  t.match(problems([row('CONFIG_B', true)], exception('CONFIG_B')), [/followed by now \(y\)/]);
  t.match(problems([a], exception('CONFIG_A'), exception('CONFIG_C')), [/CONFIG_C .*no such recommendation/]);
  t.match(problems([a], exception('CONFIG_A', { wanted: 'm' })), [/no exception says why/, /no such recommendation/]);
  t.match(problems([a], exception('CONFIG_A', { architecture: 'arm64' })), [/no exception says why/]);
  t.match(problems([a], exception('CONFIG_A', { profile: 'metal' })), [/no exception says why/]);
  t.match(problems([a], exception('CONFIG_A'), exception('CONFIG_A')), [/two exceptions/]);
  t.same(problems([a], exception('CONFIG_A'), exception('x', { kind: 'sysctl' })), [], 'sysctls were not checked');
  const words = { config: '', commandLine: 'a=1 b a=2\n' };
  const parameter = (name: string): HardeningRow => ({ ...row(name, false), kind: 'parameter' });
  for (const [name, ours] of Object.entries({ a: '2', b: 'present', c: 'absent' })) {
    const entry = exception(name, { kind: 'parameter', ours });
    t.same(hardeningProblems([parameter(name)], [entry], words, amd64), [], `${name}: ${ours}`);
  }
});

t.test('what the checker writes', async (t) => {
  const option = { option_name: 'CONFIG_A', type: 'kconfig', desired_val: 'y', decision: 'kspp', check_result: 'OK' };
  t.same(parseRows(JSON.stringify([option])), [
    { kind: 'option', name: 'CONFIG_A', wanted: 'y', from: 'kspp', isFollowed: true },
  ]);
  t.throws(() => parseRows(JSON.stringify([{ ...option, type: 'new' }])), { code: 'ERR_HARDENING_CHECKER' });
  t.throws(() => parseRows(JSON.stringify([{ ...option, check_result: null }])), { code: 'ERR_HARDENING_CHECKER' });
});

t.test('the exceptions give reasons', async (t) => {
  for (const { name, reason } of await readExceptions(root)) t.ok(reason.length > 10, name);
});

t.test('the kernels that are shipped, and the command lines they are booted with', async (t) => {
  const exceptions = await readExceptions(root);
  for (const { config, ...variant } of await shippedKernels()) {
    // What QEMU is told at the start of a local node has the same words of the table.
    const subject = { config, commandLine: bootParameters(variant.arch, 'f'.repeat(64)).join(' ') };
    const rows = await checkHardening(root, subject, onProgress);
    t.ok(rows.length > 250, `${rows.length} recommendations`);
    t.same(hardeningProblems(rows, exceptions, subject, variant), [], `${variant.arch}, ${variant.profile} kernel`);
  }
});
