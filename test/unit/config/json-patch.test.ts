import t from 'tap';
import { parse, stringify } from 'yaml';
import { patchConfig } from '../../../lib/config/patch.js';

const patch = (text: string, change: string) => patchConfig(text, change, { config: 'a.yaml', patch: 'b.yaml' });

/** From value to value; the examples are those of RFC 6902, appendix A, and what lies beside them. */
const CASES: [operations: object[], before: object, after: object][] = [
  [[{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar' }, { foo: 'bar', baz: 'qux' }],
  [[{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'baz'] }, { foo: ['bar', 'qux', 'baz'] }],
  [[{ op: 'add', path: '/foo/-', value: ['b', 'c'] }], { foo: ['a'] }, { foo: ['a', ['b', 'c']] }],
  [[{ op: 'add', path: '/foo', value: 1 }], { foo: { bar: 2 } }, { foo: 1 }],
  [[{ op: 'remove', path: '/baz' }], { baz: 'qux', foo: 'bar' }, { foo: 'bar' }],
  [[{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'b', 'c'] }, { foo: ['a', 'c'] }],
  [[{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'qux' }, { baz: 'boo' }],
  [[{ op: 'replace', path: '/a/0/b', value: 2 }], { a: [{ b: 1, c: 1 }, 3] }, { a: [{ b: 2, c: 1 }, 3] }],
  [[{ op: 'replace', path: '', value: { a: 1 } }], { b: 2 }, { a: 1 }],
  [
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [[{ op: 'move', from: '/foo/1', path: '/foo/3' }], { foo: ['a', 'b', 'c', 'd'] }, { foo: ['a', 'c', 'd', 'b'] }],
  [[{ op: 'copy', from: '/a', path: '/b' }], { a: { c: [1] } }, { a: { c: [1] }, b: { c: [1] } }],
  [
    [
      { op: 'test', path: '/a/0', value: { b: [1, 'x'] } },
      { op: 'add', path: '/m~1n', value: 1 },
      { op: 'add', path: '/m~0n', value: 2 },
    ],
    { a: [{ b: [1, 'x'] }] },
    { a: [{ b: [1, 'x'] }], 'm/n': 1, 'm~n': 2 },
  ],
];

t.test('the operations of RFC 6902', async (t) => {
  for (const [operations, before, after] of CASES) {
    for (const write of [JSON.stringify, stringify]) {
      t.same(parse(patch(stringify(before), write(operations))), after, JSON.stringify(operations));
    }
  }
});

t.test('what stays keeps its comments, its form and its empty fields', async (t) => {
  const text = '# top\na:\n  b: 1 # one\n  c:\n    - x # first\n    - z # last\n  e:\n  f: {g: 1} # flow\n';
  t.equal(
    patch(text, '[{"op": "add", "path": "/a/c/1", "value": "y"}, {"op": "replace", "path": "/a/f/g", "value": 2}]'),
    '# top\na:\n  b: 1 # one\n  c:\n    - x # first\n    - y\n    - z # last\n  e:\n  f: { g: 2 } # flow\n',
  );
  t.equal(
    patch('a:\n  b: 1\n', '[{"op": "add", "path": "/c", "value": {"d": ["e"]}}]'),
    'a:\n  b: 1\nc:\n  d:\n    - e\n',
  );
});

t.test('the main document, whichever it is; pieces and operations in one file', async (t) => {
  const text = 'kind: HostnameConfig\nhostname: a\n---\nversion: v1alpha1\n';
  t.equal(
    patch(text, '[{op: add, path: /debug, value: true}]\n---\npersist: true\n---\nkind: HostnameConfig\nhostname: b\n'),
    'kind: HostnameConfig\nhostname: b\n---\nversion: v1alpha1\ndebug: true\npersist: true\n',
  );
  t.throws(() => patch('kind: X\n', '[{op: add, path: /a, value: 1}]'), /a\.yaml has no document with version/);
});

t.test('what cannot be done: file, line, place in the patch and in the config; no values', async (t) => {
  const text = 'machine:\n  token: secret\n  certSANs: [a]\n';
  const fails: [string, string][] = [
    ['- 1', 'line 1: [0]: must be a map with op and path'],
    [
      '- op: add\n  path: /a\n- op: put\n  path: /a',
      'line 1: [0].value: is missing; to take something away there is op: remove',
    ],
    [
      '- op: test\n  path: /machine/token\n  value: secret\n- op: put\n  path: /a',
      'line 4: [1].op: must be one of add, replace, test, move, copy, remove',
    ],
    ['- op: remove', 'line 1: [0].path: is missing: a place such as /machine/network/hostname'],
    [
      '- op: remove\n  path: machine',
      'line 2: [0].path: must begin with a slash: a place such as /machine/network/hostname',
    ],
    [
      '- op: remove\n  path: /~2',
      'line 2: [0].path: must begin with a slash: a place such as /machine/network/hostname',
    ],
    ['- op: remove\n  path: /__proto__/x', 'line 2: [0].path: a field cannot have this name'],
    ['- op: move\n  path: /x', 'line 1: [0].from: is missing: a place such as /machine/network/hostname'],
    ['- op: remove\n  path: /machine/x', 'line 2: [0].path: cannot remove: a.yaml has nothing at /machine/x'],
    [
      '- op: replace\n  path: /machine/x\n  value: 1',
      'line 2: [0].path: cannot replace: a.yaml has nothing at /machine/x',
    ],
    ['- op: add\n  path: /x/y\n  value: 1', 'line 2: [0].path: cannot add: a.yaml has nothing at /x'],
    [
      '- op: add\n  path: /machine/token/y\n  value: 1',
      'line 2: [0].path: cannot add: a.yaml has no map or list at /machine/token',
    ],
    [
      '- op: add\n  path: /machine/certSANs/2\n  value: 1',
      'line 2: [0].path: cannot add: /machine/certSANs is a list of 1 in a.yaml',
    ],
    [
      '- op: replace\n  path: /machine/certSANs/x\n  value: 1',
      'line 2: [0].path: cannot replace: /machine/certSANs is a list of 1 in a.yaml',
    ],
    [
      '- op: copy\n  path: /machine/certSANs/x\n  from: /machine/token',
      'line 2: [0].path: cannot copy: /machine/certSANs is a list of 1 in a.yaml',
    ],
    ['- op: copy\n  path: /y\n  from: /x', 'line 3: [0].from: cannot copy: a.yaml has nothing at /x'],
    [
      '- op: move\n  path: /machine/certSANs\n  from: /machine',
      'line 2: [0].path: cannot move: it is inside of what is moved',
    ],
    [
      '- op: test\n  path: /machine/token\n  value: guess',
      'line 3: [0].value: a.yaml has another value at /machine/token',
    ],
    [
      '- op: test\n  path: /machine/x\n  value: guess',
      'line 2: [0].path: cannot test: a.yaml has nothing at /machine/x',
    ],
  ];
  for (const [change, message] of fails) {
    t.throws(() => patch(text, change), { message: `b.yaml has a problem:\n  ${message}` }, change);
  }
});
