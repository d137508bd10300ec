import t from 'tap';
import { wholeNumber } from '../../../../benchmarks/profile/run-profile.js';

t.test('a flag takes a whole number above 0', async (t) => {
  t.equal(wholeNumber('--rounds', '12'), 12);
  for (const text of ['', '0', '-1', '1.5', 'x', '1e99']) {
    t.throws(() => wholeNumber('--rounds', text), {
      code: 'ERR_USAGE',
      message: /^--rounds takes a whole number above 0/,
    });
  }
});
