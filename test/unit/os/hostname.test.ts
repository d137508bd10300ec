import t from 'tap';
import { hostnameProblem, setHostname } from '../../../lib/os/hostname.js';

t.test('good names', async (t) => {
  for (const name of ['talos', 'node-1', 'a', '1', 'node-1.example.org', 'A-B', 'x'.repeat(63)]) {
    t.equal(hostnameProblem(name), undefined, name);
  }
});

t.test('bad names are told why', async (t) => {
  t.match(hostnameProblem(''), /empty/);
  t.match(hostnameProblem('a..b'), /empty part/);
  t.match(hostnameProblem('-a'), /'-a'/);
  t.match(hostnameProblem('a-'), /'a-'/);
  t.match(hostnameProblem('a_b'), /letters, digits/);
  t.match(hostnameProblem('a b'), /letters, digits/);
  t.match(hostnameProblem('ä'), /letters, digits/);
  t.match(hostnameProblem('x'.repeat(64)), /longer than 63/);
  t.match(hostnameProblem(`${'x'.repeat(40)}.${'y'.repeat(40)}`), /81 characters/);
});

t.test('is set in lower case, or not at all', async (t) => {
  const names: string[] = [];
  const power = { setHostname: (name: string) => void names.push(name) };
  setHostname(power, 'Node-1');
  t.throws(() => setHostname(power, 'no good'), { code: 'ERR_HOSTNAME' });
  t.same(names, ['node-1']);
});
