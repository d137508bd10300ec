import t from 'tap';
import { isTrueAt, listAt, numberAt, objectAt, textAt } from '../../../../lib/kube/api/json.js';
import { LineSplitter } from '../../../../lib/kube/api/lines.js';

t.test('lines, however they are cut', (t) => {
  const text = '{"a":1}\n\n{"b":"ü€"}\r\nlast';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new LineSplitter(100);
    const found: string[] = [];
    for (let from = 0; from < bytes.length; from += size) found.push(...lines.push(bytes.subarray(from, from + size)));
    t.same(found, ['{"a":1}', '{"b":"ü€"}\r'], `in pieces of ${size}`);
    t.equal(lines.pendingBytes, 4);
  }
  t.end();
});

t.test('a line has a bound, whether its end comes or not', (t) => {
  t.same(new LineSplitter(3).push(Buffer.from('abc\nabc\n')), ['abc', 'abc']);
  t.throws(() => new LineSplitter(3).push(Buffer.from('abcd\n')), RangeError);
  const lines = new LineSplitter(3);
  lines.push(Buffer.from('ab'));
  t.throws(() => lines.push(Buffer.from('cd')), RangeError);
  t.end();
});

t.test('nothing is found that was not written', (t) => {
  const hostile = JSON.parse('{"__proto__":{"name":"x","list":[1]},"own":{"name":"y","n":1,"yes":true,"list":[1]}}');
  t.equal(textAt(hostile, 'name'), undefined);
  t.equal(textAt(hostile, 'own', 'name'), 'y');
  t.equal(textAt(hostile, '__proto__', 'name'), 'x', 'a key like any other');
  t.equal(objectAt(hostile, 'constructor'), undefined);
  t.equal(objectAt(hostile, 'own', 'list'), undefined);
  t.same(listAt(hostile, 'own', 'list'), [1]);
  t.same(listAt(hostile, 'list'), []);
  t.same(listAt('text', 'length'), []);
  t.equal(numberAt(hostile, 'own', 'n'), 1);
  t.equal(numberAt(hostile, 'own', 'name'), undefined);
  t.equal(isTrueAt(hostile, 'own', 'yes'), true);
  t.equal(textAt(undefined, 'a'), undefined);
  t.equal(textAt({}, 'a'), undefined);
  t.equal(({} as Record<string, unknown>)['name'], undefined, 'no prototype was changed');
  t.end();
});
