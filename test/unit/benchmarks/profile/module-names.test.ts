import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { checkout } from '../../../../benchmarks/lib/report.js';
import { bundleModule, moduleNamer, piecesOf } from '../../../../benchmarks/profile/module-names.js';

const BUNDLE = `import { x } from "./chunk.mjs";
// lib/osctl/io.ts
function one() {}
var require_y = __commonJS({
  // node_modules/y/index.js
  "node_modules/y/index.js"(exports) {
    // lib is not a path
  }
});
`;

t.test('a bundle tells which file a line is from', async (t) => {
  t.strictSame(piecesOf(BUNDLE), [
    { line: 2, module: 'lib/osctl/io.ts' },
    { line: 5, module: 'node_modules/y/index.js' },
  ]);
  t.equal(bundleModule(piecesOf(BUNDLE), 1), undefined);
  t.equal(bundleModule(piecesOf(BUNDLE), 2), 'lib/osctl/io.ts');
  t.equal(bundleModule(piecesOf(BUNDLE), 4), 'lib/osctl/io.ts');
  t.equal(bundleModule(piecesOf(BUNDLE), 900), 'node_modules/y/index.js');
});

t.test('files have their places in the checkout, others their own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const elsewhere = join(folder, 'x.js');
  writeFileSync(elsewhere, '');
  const nameOf = moduleNamer();
  const url = (path: string) => pathToFileURL(join(checkout, path)).href;
  t.equal(nameOf(url('out/js/lib/osd/main.js'), 1), 'lib/osd/main.js');
  t.equal(nameOf(url('node_modules/yaml/dist/index.js'), 1), 'node_modules/yaml/dist/index.js');
  t.equal(nameOf(join(checkout, 'node_modules/yaml/dist/index.js'), 1), 'node_modules/yaml/dist/index.js');
  t.equal(nameOf(pathToFileURL(elsewhere).href, 1), elsewhere);
  t.equal(nameOf('node:internal/http2/core', 1), 'node:internal/http2/core');
});
