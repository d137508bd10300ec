import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  droppedOptions,
  type KernelOption,
  mergeFragments,
  parseConfig,
  parseFragment,
  renderConfig,
} from '../../../lib/image/kernel-config.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

const folder = path.join(repositoryRoot(), 'kernel');
const fragment = (name: string): KernelOption[] => parseFragment(readFileSync(path.join(folder, name), 'utf8'), name);

t.test('a fragment', async (t) => {
  t.same(parseFragment('# head\n\nCONFIG_A=y # why\nCONFIG_B="x # y" # text\nCONFIG_C=n # not this\n', 'f'), [
    { name: 'CONFIG_A', value: 'y', why: 'why' },
    { name: 'CONFIG_B', value: '"x # y"', why: 'text' },
    { name: 'CONFIG_C', value: 'n', why: 'not this' },
  ]);
});

t.test('what is wrong in a fragment is named with its line', async (t) => {
  const cases: [string, RegExp][] = [
    ['CONFIG_A=y\n', /f:1: expected "CONFIG_NAME=value # why", found "CONFIG_A=y"/],
    ['\nCONFIG_A=y #\n', /f:2/],
    ['A=y # why\n', /f:1/],
    ['CONFIG_A= # why\n', /f:1/],
    ['CONFIG_A=y # why\nCONFIG_A=n # why\n', /f:2: CONFIG_A is set in line 1 already/],
  ];
  for (const [text, message] of cases)
    t.throws(() => parseFragment(text, 'f'), { code: 'ERR_KERNEL_FRAGMENT', message });
});

t.test('fragments over each other, and what became of them', async (t) => {
  const wanted = mergeFragments([
    parseFragment('CONFIG_A=y # a\nCONFIG_B=y # b\nCONFIG_N=8 # n\n', 'base'),
    parseFragment('CONFIG_B=n # c\nCONFIG_D=n # d\n', 'profile'),
  ]);
  t.equal(renderConfig(wanted), 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=8\n# CONFIG_D is not set\n');
  const known = new Set(wanted.keys());
  t.same(droppedOptions(wanted, parseConfig('CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=8\n'), known), []);
  t.same(droppedOptions(wanted, parseConfig('# CONFIG_A is not set\nCONFIG_B=y\n'), known), [
    'CONFIG_A=y became n',
    'CONFIG_B=n became y',
    'CONFIG_N=8 became nothing: a dependency is missing',
  ]);
  known.delete('CONFIG_D');
  t.same(
    droppedOptions(wanted, parseConfig('CONFIG_A=y\nCONFIG_N=8\n'), known),
    ['CONFIG_D=n: this kernel has no such option (any more)'],
    'also when it was to be off: what it stood for may have another name',
  );
});

t.test('the fragments of the repository', async (t) => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.config'));
  t.same(names.sort(), [
    'arm64.config',
    'base.config',
    'metal-arm64.config',
    'metal-x86_64.config',
    'metal.config',
    'test-x86_64.config',
    'test.config',
    'x86_64.config',
  ]);
  for (const name of names) t.ok(fragment(name).length >= 5, `${name} is well formed, every option with its reason`);
  const shipped = mergeFragments([fragment('base.config'), fragment('x86_64.config')]);
  const mustBe = {
    CONFIG_MODULES: 'n',
    CONFIG_IP_PNP: 'n',
    CONFIG_DEVMEM: 'n',
    CONFIG_KEXEC: 'n',
    CONFIG_PANIC_ON_OOPS: 'y',
    CONFIG_DEBUG_FS: 'n',
    CONFIG_LOCALVERSION: '"-talos"',
  };
  for (const [name, value] of Object.entries(mustBe)) t.equal(shipped.get(name), value, name);
  const both = fragment('base.config').filter(({ name }) =>
    fragment('x86_64.config').some((other) => other.name === name),
  );
  t.same(both, [], 'nothing is set in two of the shipped fragments');
});
