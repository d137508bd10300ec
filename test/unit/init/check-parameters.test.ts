import t from 'tap';
import { KERNEL_PARAMETERS, kernelParameterWords, OWN_PARAMETERS } from '../../../lib/base/kernel-parameters.js';
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
  const required = KERNEL_PARAMETERS.filter(({ isRequired, word }) => isRequired && good.includes(word));
  t.ok(required.length > 5);
  for (const { word } of required) {
    const [problem, ...more] = problems(good.filter((other) => other !== word));
    t.match(problem, new RegExp(`^${word.replaceAll('.', '\\.')} is missing \\(`));
    t.same(more, []);
  }
  const [first, ...others] = problems(kernelParameterWords('arm64'));
  t.match(first, /^mitigations=auto must be mitigations=auto,nosmt \(/, 'architectures have values of their own');
  t.match(others.at(-1), /^vsyscall=none is missing/, 'and names');
});

t.test('the last one of several counts, and another value is none', async (t) => {
  t.match(problems([...good, 'init_on_alloc=0'])[0], /^init_on_alloc=0 must be init_on_alloc=1 \(/);
  t.same(problems(['init_on_alloc=0', ...good]), []);
  t.match(problems([...good, 'slab-nomerge=no'])[0], /^slab_nomerge=no must be slab_nomerge/);
});

t.test('what looks like ours and is not', async (t) => {
  t.match(
    problems([...good, 'talos.wachdog=off'])[0],
    /^talos\.wachdog is unknown: there are talos\.config, talos\.watchdog$/,
  );
});

t.test('what only some images take', async (t) => {
  const line = new KernelCommandLine([...good, 'talos.restart-delay=1'].join(' '));
  t.match(
    commandLineProblems(line, 'x64')[0],
    /^talos\.restart-delay is unknown: there are talos\.config, talos\.watchdog$/,
  );
  t.same(commandLineProblems(line, 'x64', ['talos.restart_delay']), []);
});

t.test('one sentence says it all', async (t) => {
  t.throws(() => checkCommandLine(new KernelCommandLine(''), { nodeArchitecture: 'arm64' }), {
    message:
      /^the kernel command line is not what a node needs: slab_nomerge is missing \(.*\); init_on_alloc=1 is missing/,
  });
});
