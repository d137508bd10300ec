import t from 'tap';
import { printable, quoted } from '../../../lib/base/printable.js';

t.test('what cannot be seen is shown', async (t) => {
  t.equal(printable('plain, größe, 語, 😀'), 'plain, größe, 語, 😀');
  t.equal(printable('a\nb\tc\x1b[31md\x7f\x85\0'), 'a\\x0ab\\x09c\\x1b[31md\\x7f\\x85\\x00');
  t.equal(printable('\u2028\u2029\u202e\ufeff\ud800'), '\\u{2028}\\u{2029}\\u{202e}\\u{feff}\\u{d800}');
});

t.test('a quoted text ends where it ends', async (t) => {
  t.equal(quoted('a"b\\c\n'), '"a\\"b\\\\c\\x0a"');
  t.equal(quoted('abcdef', 3), '"abc…"');
  t.equal(quoted('😀😀', 1), '"\\u{d83d}…"', 'a half of a character is shown as one');
});
