/** npm stop says that there is no node only where there is none. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkout } from '../../helpers/checkout.js';

/** `npm stop` of a checkout that has the tools, and an osctl that does as `bundle` says. */
function stop(folder: string, bundle?: string) {
  for (const part of ['tools', 'bin/osctl', 'package.json']) {
    cpSync(join(checkout, part), join(folder, 'checkout', part), { recursive: true });
  }
  if (bundle !== undefined) {
    mkdirSync(join(folder, 'checkout', 'out'));
    writeFileSync(join(folder, 'checkout', 'out', 'osctl.mjs'), bundle);
  }
  const env = { ...process.env, TALOS_HOME: join(folder, 'home') };
  return spawnSync(process.execPath, [join(folder, 'checkout', 'tools', 'stop.mjs')], { env, encoding: 'utf8' });
}

const NODE = { home: { clusters: { talos: { 'state.json': '{}' } } } };

t.test('without a node', async (t) => {
  const { status, stdout } = stop(t.testdir({ home: {} }));
  t.equal(status, 0);
  t.match(stdout, /no node to stop/);
});

t.test('with a node, and out/ removed since it was started', async (t) => {
  const { status, stdout, stderr } = stop(t.testdir(NODE));
  t.equal(status, 1);
  t.notMatch(stdout, /no node to stop/);
  t.match(stderr, /there is a node in .*osctl.* is not built\n.*what to do: npm run build/);
});

t.test('with a node, and an osctl that fails', async (t) => {
  const { status, stdout, stderr } = stop(t.testdir(NODE), "console.error('state is broken'); process.exit(1);");
  t.equal(status, 1);
  t.notMatch(stdout, /no node to stop/);
  t.match(stderr, /state is broken/);
});
