/** Commands around machine configs and secrets that need no node: gen secrets, inject, validate. */
import { readFile, stat } from 'node:fs/promises';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const encode = (text: string) => Buffer.from(text).toString('base64');

t.test('files around a machine config', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const succeed = async (...words: string[]) => {
    const outcome = await home.run(...words);
    t.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    return outcome;
  };
  const text = (name: string) => readFile(home.path(name), 'utf8');
  const gen = (folder: string, secrets: string) =>
    succeed('gen', 'config', 'demo', 'https://10.5.0.2:6443', '--with-secrets', secrets, '-o', folder);

  await t.test('gen secrets, and the same configs from them again', async (t) => {
    await succeed('gen', 'secrets');
    t.equal((await stat(home.path('secrets.yaml'))).mode & 0o777, 0o600);
    await gen('one', 'secrets.yaml');
    await succeed('gen', 'secrets', '--from-controlplane-config', 'one/controlplane.yaml', '-o', 'again.yaml');
    t.equal(await text('again.yaml'), await text('secrets.yaml'));
    await gen('two', 'again.yaml');
    t.equal(await text('two/controlplane.yaml'), await text('one/controlplane.yaml'));
    t.match(parse((await succeed('gen', 'secrets', '-o', '-')).stdout), { trustdinfo: { token: String } });
    t.match(await home.run('gen', 'secrets'), { code: 1, stderr: /secrets\.yaml exists already/ });
  });

  await t.test('a worker has not all of the secrets', async (t) => {
    const answer = await home.run('gen', 'secrets', '--from-controlplane-config', 'one/worker.yaml', '-o', 'no.yaml');
    t.equal(answer.code, 1);
    t.match(answer.stderr, /one\/worker\.yaml has \d+ problems:/);
    t.match(answer.stderr, /line \d+: machine\.ca\.key: is missing/);
    t.match(answer.stderr, /line \d+: cluster\.etcd\.ca\.crt: is missing/);
  });

  await t.test('inject: the one field changes, the rest is as it was written', async (t) => {
    await succeed('gen', 'ca', '--organization', 'new');
    const before = `# ours\n${(await text('one/controlplane.yaml')).replace('certSANs: []', 'certSANs: [] # none yet')}---
apiVersion: v1alpha1
kind: HostnameConfig
hostname: n1
`;
    await home.write('node.yaml', before);
    await succeed('inject', 'os', '--crt', 'new.crt', '--key', 'new.key', 'node.yaml');
    const after = await text('node.yaml');
    const old = parseAllDocuments(before)[0]?.toJS();
    t.equal(
      after,
      before
        .replace(old.machine.ca.crt, encode(await text('new.crt')))
        .replace(old.machine.ca.key, encode(await text('new.key'))),
    );
    await succeed('validate', '-c', 'node.yaml', '--strict');
    t.equal((await stat(home.path('node.yaml'))).mode & 0o777, 0o600);

    await succeed('inject', 'kubernetes', '--crt', 'new.crt', '--key', 'new.key', 'node.yaml');
    for (const _twice of [1, 2]) await succeed('inject', 'identity', '--crt', 'new.crt', 'node.yaml');
    const config = parseAllDocuments(await text('node.yaml'))[0]?.toJS();
    t.equal(config.cluster.ca.crt, encode(await text('new.crt')));
    t.same(config.machine.acceptedCAs, [{ crt: encode(await text('new.crt')) }], 'once');
    await succeed('validate', '-c', 'node.yaml', '--strict');

    await home.write('empty.yaml', 'version: v1alpha1\n');
    await succeed('inject', 'os', '--crt', 'new.crt', 'empty.yaml');
    t.same(parse(await text('empty.yaml')).machine.ca, { crt: encode(await text('new.crt')), key: '' });
  });

  await t.test('inject refuses what is no authority, and files that are no config', async (t) => {
    await succeed('gen', 'ca', '--organization', 'other');
    await succeed('gen', 'key', '--name', 'me');
    const before = await text('node.yaml');
    const refused = async (stderr: RegExp, ...words: string[]) =>
      t.match(await home.run('inject', ...words), { code: 1, stderr });
    await refused(
      /other\.key: is not the private key of the certificate/,
      'os',
      '--crt',
      'new.crt',
      '--key',
      'other.key',
      'node.yaml',
    );
    await refused(/me\.key: must hold one certificate/, 'os', '--crt', 'me.key', 'node.yaml');
    t.equal(await text('node.yaml'), before);
    await home.write('broken.yaml', 'machine: [\n');
    await refused(/broken\.yaml has a problem:\n {2}line \d/, 'os', '--crt', 'new.crt', 'broken.yaml');
    await home.write('list.yaml', 'machine: {acceptedCAs: 7}\n');
    await refused(/list\.yaml: machine\.acceptedCAs is no list/, 'identity', '--crt', 'new.crt', 'list.yaml');
    t.equal((await home.run('inject', 'identity', '--crt', 'new.crt', '--key', 'new.key', 'node.yaml')).code, 2);
  });

  await t.test('validate names the file, and looks into certificates', async (t) => {
    const config = await text('one/controlplane.yaml');
    const { crt } = parse(config).machine.ca;
    await home.write('mixed.yaml', config.replace(crt, encode(await text('other.crt'))));
    t.match(await home.run('validate', '-c', 'mixed.yaml'), {
      code: 1,
      stderr:
        /mixed\.yaml has a problem:\n {2}line \d+: machine\.ca\.key: is not the private key of the certificate beside it/,
    });
    t.equal((await home.run('validate', '-c', 'mixed.yaml', '-m', 'toaster')).code, 2);
  });

  await t.test('config remove takes patterns', async (t) => {
    const contexts = Object.fromEntries(['lab-1', 'lab-2', 'prod', 'a.b'].map((name) => [name, { endpoints: ['h'] }]));
    await home.write('talosconfig', JSON.stringify({ context: 'lab-2', contexts }));
    const config = (...words: string[]) => home.run('--talosconfig', home.path('talosconfig'), 'config', ...words);
    const names = async () => Object.keys(parse(await text('talosconfig')).contexts);
    t.match(await config('remove', 'lab-?', '--dry-run'), {
      code: 0,
      stderr: 'would remove context lab-1\nwould remove context lab-2\n',
    });
    t.equal((await names()).length, 4);
    t.match(await config('remove', 'lab*', '-y'), {
      code: 0,
      stderr: /removed context lab-1\n.*no context is selected now/s,
    });
    t.same(await names(), ['prod', 'a.b']);
    t.match(await config('remove', 'aXb'), { code: 1, stderr: /no context is called "aXb" \(there are: a\.b, prod\)/ });
    t.match(await config('remove', 'a.b'), { code: 0 });
  });
});
