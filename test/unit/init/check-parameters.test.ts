import t from 'tap';
import { kernelParameterWords, OWN_PARAMETERS } from '../../../lib/base/kernel-parameters.js';
import { checkCommandLine, commandLineProblems } from '../../../lib/init/check-parameters.js';
import { KernelCommandLine } from '../../../lib/os/kernel-command-line.js';

const good = kernelParameterWords('amd64');
const problems = (words: readonly string[], architecture = 'x64') =>
  commandLineProblems(new KernelCommandLine(words.join(' ')), architecture);

t.test('what every node is booted with is enough', async (t) => {
  t.same(problems(good), []);
  t.same(problems([...good, 'quiet', 'ip=dhcp', 'xtalos.y=1', ...OWN_PARAMETERS.map((name) => `${name}=1`)]), []);
  t.same(problems(kernelParameterWords('arm64'), 'arm64'), []);
});

t.test('each that is required is missed by its name', async (t) => {
  for (const word of good.filter((each) => !/^(panic|printk)/.test(each))) {
    const [problem, ...more] = problems(good.filter((other) => other !== word));
    t.match(problem, new RegExp(`^${word.replaceAll('.', '\\.')} is missing \\(`));
    t.same(more, []);
  }
  t.match(problems(kernelParameterWords('arm64'))[0], /^vsyscall=none is missing/, 'of a PC only');
});

t.test('the last one of several counts, and another value is none', async (t) => {
  t.match(problems([...good, 'init_on_alloc=0'])[0], /^init_on_alloc=0 must be init_on_alloc=1 \(/);
  t.same(problems(['init_on_alloc=0', ...good]), []);
  t.match(problems([...good, 'slab-nomerge=no'])[0], /^slab_nomerge=no must be slab_nomerge/);
});

t.test('what looks like ours and is not', async (t) => {
  t.match(problems([...good, 'talos.wachdog=off'])[0], /^talos\.wachdog is unknown: there is talos\.watchdog$/);
});

t.test('one sentence says it all', async (t) => {
  t.throws(() => checkCommandLine(new KernelCommandLine(''), 'arm64'), {
    message:
      /^the kernel command line is not what a node needs: slab_nomerge is missing \(.*\); init_on_alloc=1 is missing/,
  });
});
