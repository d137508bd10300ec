import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { createCertificateAuthority } from '../../../lib/pki/index.js';
import { checkout } from '../../helpers/checkout.js';

const { checkLayers, checkNativeLayers, findCycles, importsOf } = await import(`${checkout}/tools/lib/layering.mjs`);
const { checkKeys, checkSourceList, checkLockFile, checkSignals, checkUnfinished } = await import(
  `${checkout}/tools/lib/house-rules.mjs`
);

t.test('every way to import is seen', async (t) => {
  const text = `
import type { A } from '../a.js';
import {
  b,
} from '../b.js';
import '../c.js';
export * from '../d.js';
export { e } from '../e.js';
const f = await import('../f.js');
const g = require('../g.js');
// import { no } from '../no.js';
/* import '../no.js'; */
const text = 'import from nowhere';
`;
  t.same(
    importsOf(text).sort(),
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `../${name}.js`),
  );
});

t.test('a file that breaks a layer is named', async (t) => {
  const cases: [name: string, text: string, expected: RegExp][] = [
    ['lib/init/a.ts', "import type { C } from '../config/schema.js';", /lib\/init may not import lib\/config/],
    ['lib/init/b.ts', "import { spawn } from 'node:child_process';", /lib\/init may not use node:child_process/],
    ['lib/os/c.ts', "const { spawn } = await import('child_process');", /lib\/os may not use child_process/],
    ['lib/osd/d.ts', "import { x } from '../machined/x.js';", /lib\/osd may not import lib\/machined/],
    ['lib/machined/e.ts', "import grpc from '@grpc/grpc-js';", /may not import the package @grpc\/grpc-js/],
    ['lib/base/f.ts', "import { x } from '../../tools/lib/x.mjs';", /outside lib/],
    ['lib/misc/g.ts', '', /lib\/misc is no layer/],
  ];
  for (const [name, text, expected] of cases) {
    const folder = t.testdir({ lib: { [name.split('/')[1] as string]: { [name.split('/')[2] as string]: text } } });
    const violations: string[] = checkLayers([name], folder);
    t.equal(violations.length, 1, name);
    t.match(violations[0], expected);
  }
});

t.test('what is allowed passes', async (t) => {
  const folder = t.testdir({
    lib: {
      osd: {
        'a.ts': "import fs from 'node:fs';\nimport grpc from '@grpc/grpc-js';\nimport { x } from '../pki/x.js';\n",
      },
    },
  });
  t.same(checkLayers(['lib/osd/a.ts'], folder), []);
});

t.test('cycles are found once, and only real ones', async (t) => {
  const diamond = new Map([
    ['a', ['b', 'c']],
    ['b', ['d']],
    ['c', ['d']],
    ['d', []],
  ]);
  t.same(findCycles(diamond), []);
  t.same(findCycles(new Map([...diamond, ['d', ['b']]])), ['import cycle: b -> d -> b']);
});

t.test('the layers of native code', async (t) => {
  const cases: [file: string, header: string, expected: RegExp | undefined][] = [
    ['native/ring/a.cc', '<napi.h>', /only native\/bind may include <napi.h>/],
    ['native/bind/b.cc', '<napi.h>', undefined],
    ['native/bind/c.cc', '<uv.h>', /nobody may include <uv.h>/],
    ['native/mount/d.cc', '<sys/mount.h>', /only native\/sys/],
    ['native/stage0/e.cc', '<sys/mount.h>', undefined],
    ['native/mount/f.cc', '"netlink/socket.h"', /native\/mount may not include native\/netlink/],
    ['native/mount/g.cc', '"sys/mount_calls.h"', undefined],
    ['native/odd/h.cc', '<vector>', /native\/odd is no layer/],
  ];
  for (const [file, header, expected] of cases) {
    const [, folder, name] = file.split('/') as [string, string, string];
    const base = t.testdir({ native: { [folder]: { [name]: `#include ${header}\n` } } });
    const violations: string[] = checkNativeLayers([file], base);
    t.equal(violations.length, expected ? 1 : 0, `${file} includes ${header}`);
    if (expected) t.match(violations[0], expected);
  }
});

t.test('the list of native sources', async (t) => {
  const base = t.testdir({
    native: {
      'sources.json': JSON.stringify({
        core: ['native/ring/ring.cc', 'native/gone.cc'],
        bind: ['native/ring/x.cc'],
        test_support: ['native/test/support.cc'],
        tests: ['native/test/one_test.cc', 'native/test/many_test.cc', 'native/test/listed_test.cc'],
        tests_with_threads: ['native/test/listed_test.cc', 'native/test/support.cc'],
        fuzz: ['native/fuzz/a_fuzz.cc'],
      }),
      test: {
        'one_test.cc': '#include "ring/ring.h"\n',
        'many_test.cc': '#include "reactor/reactor.h"\n',
        'listed_test.cc': 'std::thread other;\n',
      },
    },
  });
  const files = [
    'native/ring/ring.cc',
    'native/ring/new.cc',
    'native/ring/x.cc',
    'native/test/ring_test.cc',
    'native/test/one_test.cc',
    'native/test/many_test.cc',
    'native/test/listed_test.cc',
    'native/test/support.cc',
    'native/fuzz/a_fuzz.cc',
    'native/fuzz/b_fuzz.cc',
    'native/stage0/main.cc',
  ];
  t.same(checkSourceList(files, base), [
    'native/ring/new.cc: not listed in native/sources.json',
    'native/test/ring_test.cc: not listed in native/sources.json',
    'native/fuzz/b_fuzz.cc: not listed in native/sources.json',
    'native/sources.json: native/gone.cc does not exist',
    'native/sources.json: native/test/many_test.cc starts threads and is not in tests_with_threads',
    'native/sources.json: native/test/support.cc in tests_with_threads is no test',
    'native/sources.json: native/ring/x.cc is no binding',
  ]);
});

t.test('the lock file', async (t) => {
  const packages = {
    'node_modules/a': {
      resolved: 'https://mirror.example/a.tgz',
      optionalDependencies: { b: '1', '@c/d': '1', e: '1' },
    },
    'node_modules/b': {},
    'node_modules/a/node_modules/@c/d': {},
  };
  const base = t.testdir({ 'package-lock.json': JSON.stringify({ packages }) });
  t.same(checkLockFile(base), [
    'package-lock.json: node_modules/a carries a download address',
    'package-lock.json: node_modules/a may need e, which has no entry',
  ]);
});

t.test('work that was put off', async (t) => {
  const word = ['TO', 'DO'].join('');
  const base = t.testdir({ lib: { 'a.ts': `fine\n// ${word}: later\n`, 'b.ts': 'METHODOLOGY\n' } });
  t.same(checkUnfinished(['lib/a.ts', 'lib/b.ts'], base), [`lib/a.ts:2: ${word}`]);
});

t.test('signals that lose their deadlines', async (t) => {
  const source = (name: string) => `// not by AbortSignal.any()\nawait work(AbortSignal.${name}([one, other]));\n`;
  const base = t.testdir({ lib: { 'a.ts': source('any'), 'b.ts': source('timeout') } });
  t.same(checkSignals(['lib/a.ts', 'lib/b.ts'], base), [
    'lib/a.ts:2: withSignals() or withDeadline() instead of AbortSignal.any()',
  ]);
});

t.test('keys and certificates in files', async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const ca = await createCertificateAuthority();
  const base = t.testdir({
    'key.pem': privateKey,
    'code.ts': `const key = ${JSON.stringify(privateKey)};`,
    'config.yaml': `crt: ${Buffer.from(ca.crt).toString('base64')}\n`,
    'talosctl.pem': ca.key,
    'label.ts': "const label = '-----BEGIN PRIVATE KEY-----';\nconst head = 'LS0tLS1CRUdJTi';\n",
  });
  const all = ['key.pem', 'code.ts', 'config.yaml', 'talosctl.pem', 'label.ts', 'gone'];
  t.same(
    checkKeys(all, base),
    all.slice(0, 4).map((file) => `${file}: holds a private key or a certificate`),
  );
});
