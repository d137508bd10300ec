import t from 'tap';
import { allowanceFor, parseAllowances } from '../../../../benchmarks/guard/allowances.js';

t.test('a trailer names a metric, a factor and a reason', async (t) => {
  const allowances = parseAllowances('ring 1.5 checks more\n\n  osctl 2 loads a schema \nring 1.2 older\n', [
    'ring',
    'osctl',
  ]);
  t.same(allowances[1], { metric: 'osctl', limit: 2, reason: 'loads a schema' });
  t.equal(allowanceFor('ring', allowances)?.limit, 1.5, 'the largest counts');
  t.equal(allowanceFor('osd', allowances), undefined);
  t.same(parseAllowances('', []), []);
});

t.test('one that cannot be read is an error, not ignored', async (t) => {
  for (const text of ['ring 1.5', 'ring much because', 'nothing 1.5 because', 'ring 0.5 because', 'ring 100 because']) {
    t.throws(() => parseAllowances(text, ['ring']), /must be a metric, a factor/, text);
  }
});
