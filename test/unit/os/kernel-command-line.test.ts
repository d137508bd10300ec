import t from 'tap';
import { KernelCommandLine, readKernelCommandLine } from '../../../lib/os/kernel-command-line.js';

t.test('values, repetitions and bare words', async (t) => {
  const line = new KernelCommandLine('console=tty0 console=ttyS0 panic=10 quiet empty= k=v=w\n');
  t.same(line.getAll('console'), ['tty0', 'ttyS0']);
  t.equal(line.get('console'), 'ttyS0', 'the last one wins');
  t.equal(line.get('k'), 'v=w', 'all behind the first = is the value');
  t.equal(line.get('quiet'), '');
  t.equal(line.get('empty'), '');
  t.ok(line.has('quiet'));
  t.notOk(line.has('panic_on_oops'));
  t.equal(line.get('panic_on_oops'), undefined);
  t.same(line.parameters[3], { key: 'quiet', value: undefined });
});

t.test('quotes keep spaces', async (t) => {
  const line = new KernelCommandLine('a="b c" "d=e f" g=h" i"j "unclosed=x y');
  t.equal(line.get('a'), 'b c');
  t.equal(line.get('d'), 'e f');
  t.equal(line.get('g'), 'h" i"j', 'quotes inside a value are part of it');
  t.equal(line.get('unclosed'), 'x y');
});

t.test('hyphen and underscore in names are the same', async (t) => {
  const line = new KernelCommandLine('init-on_alloc=1');
  t.equal(line.get('init_on_alloc'), '1');
  t.equal(line.get('init-on-alloc'), '1');
});

t.test('what stands behind -- is for init', async (t) => {
  const line = new KernelCommandLine('quiet -- panic=1 single');
  t.notOk(line.has('panic'));
  t.same(line.initArguments, ['panic=1', 'single']);
  t.same(new KernelCommandLine('').parameters, []);
});

t.test('a key such as __proto__ does no harm', async (t) => {
  t.equal(new KernelCommandLine('__proto__=x').get('__proto__'), 'x');
  t.equal(new KernelCommandLine('a=b').get('constructor'), undefined);
});

t.test('the command line of this machine is read', async (t) => {
  t.ok(readKernelCommandLine().parameters.length > 0);
});
