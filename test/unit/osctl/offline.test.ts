/** The commands that need no node: config, gen, validate, completion. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { parseCertificate, verifyCertificate } from '../../../lib/pki/index.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

t.test('without a node', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const succeed = async (...words: string[]) => {
    const outcome = await home.run(...words);
    t.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    return outcome;
  };
  const text = (name: string) => readFile(home.path(name), 'utf8');

  await t.test('gen ca, key, csr, crt', async (t) => {
    await succeed('gen', 'ca', '--organization', 'mine', '--hours', '48');
    const ca = await text('mine.crt');
    t.match(parseCertificate(ca), { organizations: ['mine'], isAuthority: true });
    t.match(await text('mine.key'), /BEGIN ED25519 PRIVATE KEY/);
    t.match(await text('mine.sha256'), /^[0-9a-f]{64}$/);
    t.equal((await stat(home.path('mine.key'))).mode & 0o777, 0o600);

    await succeed('gen', 'key', '--name', 'me');
    await succeed('gen', 'csr', '--key', 'me.key', '--ip', '10.0.0.1', '--roles', 'os:reader,os:operator');
    await succeed('gen', 'crt', '--ca', 'mine', '--csr', 'me.csr', '--name', 'me', '--hours', '2');
    const certificate = await text('me.crt');
    t.match(parseCertificate(certificate), { organizations: ['os:reader', 'os:operator'] });
    t.same(verifyCertificate({ certificate, authorities: ca, usage: 'client', now: Date.now() }), { kind: 'valid' });

    await succeed('gen', 'csr', '--key', 'me.key', '--ip', '10.0.0.1', '--force');
    await succeed('gen', 'crt', '--ca', 'mine', '--csr', 'me.csr', '--name', 'server');
    t.match(parseCertificate(await text('server.crt')), { usages: ['server'], ipAddresses: ['10.0.0.1'] });
  });

  await t.test('gen keypair', async (t) => {
    await succeed('gen', 'keypair', '--ip', '10.0.0.2', '--organization', 'pair');
    t.equal(new X509Certificate(await text('pair.crt')).checkIP('10.0.0.2'), '10.0.0.2');
  });

  await t.test('nothing is written over without --force', async (t) => {
    const before = await text('mine.key');
    const again = await home.run('gen', 'ca', '--organization', 'mine');
    t.equal(again.code, 1);
    t.match(again.stderr, /mine\.crt exists already\n {2}hint: .*--force/);
    t.equal(await text('mine.key'), before);
    await succeed('gen', 'ca', '--organization', 'mine', '--force');
    t.not(await text('mine.key'), before);
  });

  await t.test('gen config, and validate', async (t) => {
    await succeed(
      'gen',
      'config',
      'prod',
      'https://10.0.0.1:6443',
      '-o',
      'out',
      '--additional-sans',
      'api.example,10.0.0.9',
      '--secrets-out',
      'secrets.yaml',
    );
    for (const name of ['controlplane.yaml', 'worker.yaml', 'talosconfig']) {
      t.equal((await stat(home.path(`out/${name}`))).mode & 0o777, 0o600, name);
    }
    for (const name of ['controlplane.yaml', 'worker.yaml']) {
      t.match((await succeed('validate', '-c', `out/${name}`, '-m', 'metal', '--strict')).stderr, /is valid/);
    }
    const config = parse(await text('out/controlplane.yaml'));
    t.same(config.machine.certSANs, ['api.example', '10.0.0.9']);
    const { contexts } = parse(await text('out/talosconfig'));
    const decode = (base64: string) => Buffer.from(base64, 'base64').toString();
    t.same(
      verifyCertificate({
        certificate: decode(contexts.prod.crt),
        authorities: decode(config.machine.ca.crt),
        usage: 'client',
        now: Date.now(),
      }),
      { kind: 'valid' },
    );

    await succeed(
      'gen',
      'config',
      'prod',
      'https://10.0.0.1:6443',
      '-o',
      'again.yaml',
      '-t',
      'controlplane',
      '--additional-sans',
      'api.example,10.0.0.9',
      '--with-secrets',
      'secrets.yaml',
    );
    t.equal(await text('again.yaml'), await text('out/controlplane.yaml'), 'the same secrets give the same config');
    const { stdout } = await succeed('gen', 'config', 'prod', 'https://10.0.0.1:6443', '-o', '-', '-t', 'worker');
    t.equal(parse(stdout).machine.type, 'worker');

    t.equal((await home.run('gen', 'config', 'prod', 'https://10.0.0.1:6443', '-o', '-')).code, 2);
    t.equal((await home.run('gen', 'config', 'prod', 'https://10.0.0.1:6443', '-t', 'nonsense')).code, 2);
    t.match((await home.run('gen', 'config', 'prod', 'nonsense')).stderr, /"nonsense" is not a URL/);
    t.notOk(existsSync(home.path('controlplane.yaml')));
  });

  await t.test('gen config with patches', async (t) => {
    const words = ['gen', 'config', 'prod', 'https://10.0.0.1:6443', '--with-secrets', 'secrets.yaml', '-o', 'patched'];
    await home.write('all.json', '[{"op": "add", "path": "/machine/certSANs/-", "value": "all.example"}]');
    await succeed(
      ...words,
      ...['--config-patch', '@all.json'],
      ...['--config-patch-control-plane', 'cluster: {apiServer: {certSANs: [api.example]}}'],
      ...['--config-patch-worker', '{"machine": {"time": {"servers": ["10.0.0.5"]}}}'],
    );
    const [controlplane, worker] = [
      parse(await text('patched/controlplane.yaml')),
      parse(await text('patched/worker.yaml')),
    ];
    t.same([controlplane.machine.certSANs, worker.machine.certSANs], [['all.example'], ['all.example']]);
    t.same([controlplane.cluster.apiServer.certSANs, worker.cluster.apiServer], [['api.example'], undefined]);
    t.same([controlplane.machine.time, worker.machine.time], [undefined, { servers: ['10.0.0.5'] }]);

    const wrong = await home.run(
      ...words,
      '--force',
      '--config-patch',
      '@all.json',
      '--config-patch',
      'machine: {x: 1}',
    );
    t.equal(wrong.code, 1);
    t.match(wrong.stderr, /controlplane\.yaml, patched, has a problem:\n {2}line \d+: machine\.x: unknown field/);
    const missing = await home.run(...words, '--force', '--config-patch', 'a: 1', '--config-patch', '- op: x');
    t.match(missing.stderr, /patch 2 of 2 has a problem:\n {2}line 1: \[0\]\.op: must be one of/);
  });

  await t.test('validate finds mistakes, and reads standard input', async (t) => {
    const config = await text('out/controlplane.yaml');
    await home.write('typo.yaml', config.replace('  token:', '  tokn: x\n  token:'));
    const typo = await home.run('validate', '-c', 'typo.yaml');
    t.equal(typo.code, 1);
    t.match(typo.stderr, /line \d+: machine\.tokn: unknown field/);
    await home.write('warn.yaml', config.replace('  token:', '  sysctls: {}\n  token:'));
    t.match(await home.run('validate', '-c', 'warn.yaml'), { code: 0, stderr: /warning: line \d+: machine\.sysctls/ });
    t.equal((await home.run('validate', '-c', 'warn.yaml', '--strict')).code, 1);
    t.match(await home.run('validate', '-c', 'none.yaml'), { code: 1, stderr: /cannot open none\.yaml: no such file/ });
    t.match(await home.run('validate', '-c', '-'), { code: 1, stderr: /no document/ });
  });

  await t.test('config', async (t) => {
    const talosconfig = home.path('.talos/config');
    await succeed('config', 'merge', 'out/talosconfig');
    t.equal((await stat(talosconfig)).mode & 0o777, 0o600);
    await succeed('config', 'endpoint', '10.0.0.1', '10.0.0.2,10.0.0.3:1234');
    await succeed('config', 'node', '10.0.0.1');
    t.match(
      (await succeed('config', 'info')).stdout,
      /Context: +prod\nEndpoints: +10\.0\.0\.1, 10\.0\.0\.2, 10\.0\.0\.3:1234\nNodes: +10\.0\.0\.1\nRoles: +os:admin\nCertificate: +expires in 36\d days/,
    );
    await succeed('config', 'add', 'other', '--ca', 'mine.crt', '--crt', 'me.crt', '--key', 'me.key');
    t.match(
      (await succeed('config', 'contexts')).stdout,
      /CURRENT +NAME +ENDPOINTS +NODES\n +other\n\* +prod +10\.0\.0\.1,10/,
    );
    await succeed('config', 'use-context', 'other');
    t.match(JSON.parse((await succeed('-o', 'json', 'config', 'info')).stdout), {
      context: 'other',
      roles: ['os:reader', 'os:operator'],
      endpoints: [],
    });
    t.match((await succeed('config', 'info', '--context', 'prod')).stdout, /os:admin/);
    const none = await home.run('version');
    t.match(none, { code: 1, stderr: /context other has no endpoints\n {2}hint: .*osctl config endpoint/ });

    const renamed = await home.run('config', 'merge', 'out/talosconfig');
    t.match(renamed.stderr, /context prod is called prod-1 here/);
    await succeed('config', 'remove', 'prod-1');
    t.match(await home.run('config', 'remove', 'prod-1'), {
      code: 1,
      stderr: /no context is called "prod-1" \(there are: other, prod\)/,
    });
    t.match(await home.run('config', 'add', 'prod', '--ca', 'mine.crt', '--crt', 'me.crt', '--key', 'me.key'), {
      code: 2,
      stderr: /exists already/,
    });
    t.match(await home.run('config', 'add', 'x', '--ca', 'mine.key', '--crt', 'me.crt', '--key', 'me.key'), {
      code: 1,
      stderr: /not an X\.509 certificate/,
    });
    t.match(await home.run('config', 'endpoint', 'http://x'), { code: 2, stderr: /is not an endpoint/ });
    await succeed('config', 'endpoint', '--context', 'prod');
    t.match((await succeed('config', 'info', '--context', 'prod')).stdout, /Endpoints: +none/);
  });

  await t.test('several at once lose nothing of each other', async (t) => {
    const file = home.path('shared');
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const add = (name: string) =>
      succeed('--talosconfig', file, 'config', 'add', name, '--ca', 'mine.crt', '--crt', 'me.crt', '--key', 'me.key');
    await Promise.all(names.map(add));
    const { stdout } = await succeed('--talosconfig', file, 'config', 'contexts', '-o', 'json');
    t.same(
      JSON.parse(stdout).map(({ name }: { name: string }) => name),
      names,
    );
    t.notOk(existsSync(`${file}.lock`));
  });

  await t.test('another home', async (t) => {
    await mkdir(home.path('elsewhere'), { recursive: true });
    const outcome = await home.run('--talosconfig', 'elsewhere/config', 'config', 'merge', 'out/talosconfig');
    t.equal(outcome.code, 0, outcome.stderr);
    t.ok(existsSync(home.path('elsewhere/config')));
  });

  await t.test('completion', async (t) => {
    const bash = (await succeed('completion', 'bash')).stdout;
    await home.write('completion.bash', bash);
    const complete = (...words: string[]) =>
      execFileSync(
        'bash',
        [
          '-c',
          `source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _osctl; echo "\${COMPREPLY[@]}"`,
          'bash',
          'osctl',
          ...words,
        ],
        { cwd: home.folder, encoding: 'utf8' },
      ).trim();
    t.equal(complete('lo'), 'logs');
    t.equal(complete('logs', '--fo'), '--follow');
    t.equal(complete('cluster', 'cr'), 'create');
    t.equal(complete('-n', 'x', 'gen', 'ke'), 'key keypair');
    t.equal(complete('service', 'osd', 'res'), 'restart');
    t.equal(complete('ps', '--node'), '--nodes');
    t.match((await succeed('completion', 'zsh')).stdout, /^#compdef osctl\n/);
    t.match((await succeed('completion', 'fish')).stdout, /complete -c osctl .*-a 'dmesg'/);
    t.equal((await home.run('completion', 'tcsh')).code, 2);
  });
});
