/** The client config: talosctl's file, read, merged, written. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  type ClientConfig,
  contextCredentials,
  emptyClientConfig,
  mergeClientConfig,
  parseClientConfig,
  removeContext,
  selectContext,
  stringifyClientConfig,
} from '../../../lib/config/client-config.js';
import {
  changeClientConfig,
  clientConfigPaths,
  mergeIntoClientConfig,
  readClientConfig,
  requireClientConfig,
} from '../../../lib/config/client-config-file.js';

/** Puts a config in the place of whatever is there. */
const write = (path: string, whole: ClientConfig) => changeClientConfig([path], () => whole);

const config = (...names: string[]): ClientConfig => ({
  context: names[0] ?? '',
  contexts: Object.fromEntries(
    names.map((name) => [name, { endpoints: [`${name}.example`], ca: 'Y2E=', crt: 'Y3J0', key: 'a2V5' }]),
  ),
});

t.test('text', async (t) => {
  const text = `context: a
contexts:
    a:
        endpoints:
            - 10.0.0.1
        ca: Y2E=
        crt: Y3J0
        key: a2V5
        auth:
            siderov1:
                identity: me
        proxy-url: https://proxy
`;
  const parsed = parseClientConfig(text);
  t.same(parsed.contexts.a?.endpoints, ['10.0.0.1']);
  t.same(contextCredentials(parsed.contexts.a ?? {}), { ca: 'ca', crt: 'crt', key: 'key' });
  t.same(parseClientConfig(stringifyClientConfig(parsed)), parsed, "talosctl's other fields are kept");
  t.same(parseClientConfig(''), emptyClientConfig());
  t.same(parseClientConfig('context: ""\n'), emptyClientConfig());
  const wrong: [string, RegExp][] = [
    ['[]', /must hold the fields/],
    ['context: 1', /line 1: context: must be text/],
    ['contexts: [a]', /contexts: must map/],
    ['contexts: {a: 1}', /contexts\.a: must be an object/],
    ['contexts:\n  a:\n    endpoints: x', /line 3: contexts\.a\.endpoints: must be a list/],
    ['contexts: {a: {nodes: [1]}}', /contexts\.a\.nodes/],
    ['contexts: {a: {key: [x]}}', /contexts\.a\.key: must be base64/],
    ['contexts: {__proto__: {}}', /cannot have this name/],
    ['a: 1\n---\nb: 1', /has more than one document/],
  ];
  for (const [text, problem] of wrong)
    t.throws(() => parseClientConfig(text), { code: 'ERR_CONFIG_INVALID', message: problem }, text);
});

t.test('contexts', async (t) => {
  t.equal(selectContext(config('a', 'b')).name, 'a');
  t.equal(selectContext(config('a', 'b'), 'b').name, 'b');
  t.throws(() => selectContext(config('a', 'b'), 'c'), {
    code: 'ERR_CONFIG_CONTEXT',
    message: /"c" \(there are: a, b\)/,
  });
  t.throws(() => selectContext(config('a'), 'toString'), { code: 'ERR_CONFIG_CONTEXT' });
  t.throws(() => selectContext(emptyClientConfig()), { message: /no context is selected \(there are none\)/ });
  t.same(removeContext(config('a', 'b'), 'a'), { context: '', contexts: config('b').contexts });
  t.equal(removeContext(config('a', 'b'), 'b').context, 'a');
});

t.test('merging', async (t) => {
  const fresh = mergeClientConfig(config('a'), config('b'));
  t.same(Object.keys(fresh.config.contexts), ['a', 'b']);
  t.equal(fresh.config.context, 'b', 'what was merged is used');
  t.equal(fresh.renamed.size, 0);

  const other = config('a');
  other.contexts.a = { ...other.contexts.a, key: 'b3RoZXI=' };
  const clash = mergeClientConfig(config('a'), other);
  t.same(Object.keys(clash.config.contexts), ['a', 'a-1']);
  t.same([...clash.renamed], [['a', 'a-1']]);
  t.equal(clash.config.context, 'a-1');
  t.same(clash.config.contexts.a, config('a').contexts.a, 'what was there is untouched');

  const third = structuredClone(other);
  third.contexts.a = { ...third.contexts.a, key: 'dGhpcmQ=' };
  t.same([...mergeClientConfig(clash.config, third).renamed], [['a', 'a-2']]);
  const again = mergeClientConfig(clash.config, config('a'));
  t.same(again.config.contexts, clash.config.contexts, 'the same once more changes nothing');
  t.equal(again.config.context, 'a');
  t.equal(mergeClientConfig(config('a'), { ...config('b'), context: '' }).config.context, 'a');
});

t.test('files', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'client-config-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'home', 'config');

  await t.test('where it is looked for', async (t) => {
    const home = { HOME: '/home/me' };
    t.same(clientConfigPaths({ env: home }), ['/home/me/.talos/config', '/var/run/secrets/talos.dev/config']);
    t.equal(clientConfigPaths({ env: { ...home, TALOS_HOME: '/th' } })[0], '/th/config');
    t.same(clientConfigPaths({ env: { ...home, TALOSCONFIG: '/tc' } }), ['/tc']);
    t.same(clientConfigPaths({ explicit: '/x', env: { ...home, TALOSCONFIG: '/tc' } }), ['/x']);
  });

  await t.test('none', async (t) => {
    t.equal(await readClientConfig([path]), undefined);
    await t.rejects(requireClientConfig([path, '/nowhere']), {
      code: 'ERR_CONFIG_NOT_FOUND',
      message: new RegExp(`looked for ${path} and /nowhere`),
      hint: /osctl cluster create/,
    });
  });

  await t.test('written whole, for its owner only', async (t) => {
    await write(path, config('a'));
    t.equal((await stat(path)).mode & 0o777, 0o600);
    t.equal((await stat(join(folder, 'home'))).mode & 0o777, 0o700);
    await chmod(path, 0o644);
    await write(path, config('b'));
    t.equal((await stat(path)).mode & 0o777, 0o600);
    t.same((await requireClientConfig([path])).config, config('b'));
    t.same(await readdir(join(folder, 'home')), ['config'], 'no temporary file is left');
  });

  await t.test('a write that fails leaves the old one', async (t) => {
    await mkdir(join(folder, 'is-a-folder', 'x'), { recursive: true });
    await t.rejects(write(join(folder, 'is-a-folder'), config('a')), { code: /EISDIR|ENOTEMPTY|EEXIST/ });
    t.same((await readdir(folder)).sort(), ['home', 'is-a-folder']);
    const broken = new Error('the change');
    const before = await readFile(path, 'utf8');
    await t.rejects(
      changeClientConfig([path], () => {
        throw broken;
      }),
      broken,
    );
    await changeClientConfig([path], () => undefined);
    t.equal(await readFile(path, 'utf8'), before);
  });

  await t.test('a symbolic link stays one', async (t) => {
    const link = join(folder, 'link');
    await symlink(path, link);
    await write(link, config('c'));
    t.same((await requireClientConfig([path])).config, config('c'));
    t.ok((await stat(link)).isFile());
  });

  await t.test('merging into a file', async (t) => {
    const target = join(folder, 'merged');
    t.equal((await mergeIntoClientConfig([target], config('a'))).size, 0);
    await mergeIntoClientConfig([target], config('b'));
    t.match(await readFile(target, 'utf8'), /^context: b\ncontexts:\n/);
    await writeFile(target, 'broken: [');
    await t.rejects(mergeIntoClientConfig([target], config('a')), {
      code: 'ERR_CONFIG_INVALID',
      message: new RegExp(target),
    });
    t.equal(await readFile(target, 'utf8'), 'broken: [', 'a file that cannot be read is not written over');
  });
});
