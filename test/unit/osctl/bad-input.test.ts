/** What goes wrong, and what osctl says then: the exit code, one clear line, never a stack trace. */

import { mkdir } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { createCertificateAuthority, issueClientCertificate } from '../../../lib/pki/index.js';
import { closedPort, FakeNode, rawListener, statusError } from '../client/fake-node.js';
import { OsctlHome, type Outcome } from './osctl-child.js';

t.setTimeout(120_000);

const MINUTE_MS = 60_000;

function isOneLine(t: Test, outcome: Outcome, code: number, pattern: RegExp) {
  t.equal(outcome.code, code, outcome.stderr);
  t.equal(outcome.stdout, '');
  t.match(outcome.stderr, pattern);
  const [, ...more] = outcome.stderr.trimEnd().split('\n');
  t.ok(more.length === 0 || (more.length === 1 && more[0]?.startsWith('  hint: ')), outcome.stderr);
  if (code === 3 || code === 4) t.match(more, [/`osctl config/], 'what to do next');
}

t.test('bad input', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({
    handlers: {
      Version: () => ({ messages: [{ version: { tag: 'v9' } }] }),
      ServiceStart: ({ id }: { id: string }) => {
        throw statusError(status.NOT_FOUND, `no service ${JSON.stringify(id)}; there are init, osd`);
      },
      Reboot: () => {
        throw statusError(status.PERMISSION_DENIED, 'Reboot needs os:admin');
      },
      Logs: () => Promise.reject(statusError(status.NOT_FOUND, 'no service "nothing"; there are init, osd')),
    },
  });
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const config = await home.write('good', node.talosconfig());
  const osctl = (...words: string[]) => home.run('--talosconfig', config, ...words);

  await t.test('usage: exit code 2, what is wrong and where the help is on stderr', async (t) => {
    for (const words of [
      ['nonsense'],
      ['version', '--nonsense'],
      ['logs'],
      [],
      ['service', 'x', 'explode'],
      ['reboot', '-m', 'x'],
      ['gen', 'ca'],
      ['logs', '--tail', '-2', 'osd'],
      ['cluster', 'nonsense'],
      ['version', '--timeout', 'soon'],
      ['dmesg', '-f', '--tail', '-3'],
      ['ps', '-e', 'host:port'],
      ['ps', '-n', 'a/b'],
      ['lgos'],
      ['version', 'extra'],
      ['ps', '-n'],
    ]) {
      const outcome = await home.run(...words);
      t.equal(outcome.code, 2, words.join(' '));
      t.equal(outcome.stdout, '');
      if (words.length > 0) t.match(outcome.stderr, /^osctl: .*\n {2}hint: see `osctl.* --help`\n$/);
      else t.match(outcome.stderr, /^Usage: osctl/);
      t.notMatch(outcome.stderr, /\n\s+at /);
    }
    t.equal((await osctl('-o', 'xml', 'version')).code, 2);
  });

  await t.test('a local cluster that cannot be made: exit code 2, and nothing is built', async (t) => {
    for (const [words, message] of [
      ['--kubernetes v9.9.9', /^osctl: no such Kubernetes version: v9\.9\.9; there is v1\./],
      ['--kubernetes v1.20.2 --runtime containerd-2.x', /^osctl: Kubernetes v1\.20\.2 runs on containerd-1\.7, not /],
      [
        '--kubernetes v1.20.2 --kubernetes-source official',
        /^osctl: Kubernetes v1\.20\.2 comes from debian-source or /,
      ],
      ['--kubernetes v1.20.2 --kubernetes-source nowhere', /^osctl: option .*: it must be one of official, /],
      ['--kubernetes v1.20.2 --kubernetes-source directory', /^osctl: .*needs a folder: --kubernetes-directory/],
      ['--kubernetes v1.20.2 --memory 1024', /^osctl: .*needs 2048 MiB of memory, and 1024 are too little\n {2}hint: /],
      ['--kubernetes-source official', /^osctl: where Kubernetes comes from was said, .*give --kubernetes VERSION/],
      ['--kubernetes-directory /tmp', /^osctl: where Kubernetes comes from was said/],
      ['--runtime rkt', /^osctl: no such container runtime: rkt/],
      ['--output xml', /^osctl: "xml" is no output format/],
    ] as const) {
      const outcome = await home.run('cluster', 'create', ...words.split(' '));
      t.equal(outcome.code, 2, words);
      t.match(outcome.stderr, message);
      t.equal(outcome.stdout, '');
    }
    const show = await home.run('cluster', 'show', '-o', 'xml');
    t.match(show, { code: 2, stdout: '', stderr: /"xml" is no output format/ });
    await mkdir(home.path('.talos/clusters/taken'), { recursive: true });
    const taken = await home.run('cluster', 'create', '--name', 'taken');
    t.match(taken, { code: 1, stdout: '', stderr: /^osctl: there is a cluster named 'taken' already\n {2}hint: / });
  });

  await t.test('help is no failure', async (t) => {
    for (const words of [
      ['--help'],
      ['help'],
      ['logs', '--help'],
      ['cluster', '--help'],
      ['cluster', 'create', '-h'],
      ['help', 'gen'],
      ['help', 'cluster'],
    ]) {
      const outcome = await home.run(...words);
      t.equal(outcome.code, 0, words.join(' '));
      t.match(outcome.stdout, /Usage: osctl/);
    }
    t.match((await home.run('cluster', '--help')).stdout, /create/);
  });

  await t.test('no config: which files were looked for', async (t) => {
    const outcome = await home.run('version');
    t.equal(outcome.code, 1);
    t.match(outcome.stderr, /\.talos\/config and \/var\/run\/secrets\/talos\.dev\/config/);
    t.match(outcome.stderr, /osctl cluster create/);
    t.match(outcome.stderr, /--talosconfig/);
  });

  await t.test('a config that is none', async (t) => {
    const broken = await home.write('broken', 'contexts: [1, 2\n');
    const outcome = await home.run('--talosconfig', broken, 'version');
    t.equal(outcome.code, 1);
    t.match(outcome.stderr, /line \d: /);
    isOneLine(
      t,
      await osctl('--context', 'other', 'version'),
      1,
      /good: no context is called "other" \(there are: fake\)/,
    );
    t.match(await home.run('--talosconfig', home.folder, 'version'), {
      code: 1,
      stderr: `osctl: cannot read ${home.folder}: illegal operation on a directory\n`,
    });
  });

  await t.test('what is wrong with a context: file, line and field, never a value', async (t) => {
    const text = node.talosconfig();
    const line = (field: string) => text.split('\n').findIndex((each) => each.trim().startsWith(`${field}:`)) + 1;
    const other = await issueClientCertificate({ ca: node.secrets.certs.os, roles: ['os:admin'] });
    const base64 = (pem: string) => Buffer.from(pem).toString('base64');
    const cases: [name: string, change: (text: string) => string, field: string, problem: string][] = [
      ['base64', (text) => text.replace(/crt: .{10}/, '$&***'), 'crt', 'must be base64 of PEM'],
      ['cut', (text) => text.replace(/(key: .*).\n/, '$1\n'), 'key', 'must be base64 of PEM'],
      ['pem', (text) => text.replace(/crt: .*/, 'crt: aGVsbG8='), 'crt', 'holds no certificate in PEM'],
      ['ca', (text) => text.replace(/ca: .*/, 'ca: aGVsbG8='), 'ca', 'holds no certificate in PEM'],
      ['key', (text) => text.replace(/key: .*/, 'key: aGVsbG8='), 'key', 'holds no unencrypted private key in PEM'],
      [
        'pair',
        (text) => text.replace(/key: .*/, `key: ${base64(other.key)}`),
        'key',
        'is not the private key of the certificate beside it',
      ],
      [
        'endpoint',
        (text) => text.replace(/endpoints:\n.*/, 'endpoints: [http://a]'),
        'endpoints',
        '"http://a" is not an endpoint: write host or host:port',
      ],
      ['type', (text) => text.replace(/endpoints:\n.*/, 'endpoints: a'), 'endpoints', 'must be a list of texts'],
    ];
    for (const [name, change, field, problem] of cases) {
      const file = await home.write(name, change(text));
      const { code, stderr } = await home.run('--talosconfig', file, 'version');
      t.equal(code, 1, name);
      t.equal(stderr, `osctl: ${file} has a problem:\n  line ${line(field)}: contexts.fake.${field}: ${problem}\n`);
    }
    const without = await home.write('without', text.replace(/crt: .*/, 'crt: ""').replace(/key: .*/, ''));
    t.match(await home.run('--talosconfig', without, 'version'), {
      code: 1,
      stderr: /contexts\.fake\.crt: is missing: .*osctl config add.*\n.*contexts\.fake\.key: is missing/,
    });
    const gone = await home.write('gone', text.replace('context: fake', 'context: other'));
    t.match(await home.run('--talosconfig', gone, 'version'), {
      code: 1,
      stderr: `osctl: ${gone}: line 1: context: no context is called "other" (there are: fake)\n  hint: select one with`,
    });
  });

  await t.test('no such service: what the node says', async (t) => {
    isOneLine(t, await osctl('service', 'nothing', 'start'), 1, /NOT_FOUND: no service "nothing"; there are init, osd/);
    isOneLine(t, await osctl('logs', 'nothing'), 1, /NOT_FOUND.*init, osd/);
  });

  await t.test('not allowed: exit code 4', async (t) => {
    isOneLine(t, await osctl('reboot'), 4, /PERMISSION_DENIED: Reboot needs os:admin/);
  });

  await t.test('unreachable: exit code 3, at once where it can be known', async (t) => {
    const begin = performance.now();
    const refused = `127.0.0.1:${await closedPort()}`;
    isOneLine(t, await osctl('-e', refused, 'version'), 3, new RegExp(`cannot reach ${refused}: connection refused`));
    t.ok(performance.now() - begin < 3000);
    isOneLine(t, await osctl('-e', 'no-such-host.invalid', 'version'), 3, /cannot reach no-such-host\.invalid:50000: /);
  });

  await t.test('unreachable: within the timeout otherwise', async (t) => {
    const silent = await rawListener(() => {});
    t.teardown(silent.close);
    const begin = performance.now();
    isOneLine(
      t,
      await osctl('-e', `127.0.0.1:${silent.port}`, '--timeout', '1s', 'version'),
      3,
      /no answer within 1 s/,
    );
    t.ok(performance.now() - begin < 4000);
  });

  await t.test('closed before TLS (a forwarded port without a node behind it): unreachable', async (t) => {
    const closing = await rawListener((socket) => socket.destroy());
    t.teardown(closing.close);
    isOneLine(t, await osctl('-e', `127.0.0.1:${closing.port}`, 'version'), 3, /closed before TLS/);
    const plain = await rawListener((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    t.teardown(plain.close);
    isOneLine(t, await osctl('-e', `127.0.0.1:${plain.port}`, 'version'), 3, /does not speak TLS/);
  });

  await t.test('a refused certificate: exit code 4, with the likely reason', async (t) => {
    const stranger = await createCertificateAuthority();
    const cases: [string, Parameters<FakeNode['talosconfig']>[0], RegExp][] = [
      [
        'foreign',
        { pair: await issueClientCertificate({ ca: stranger, roles: ['os:admin'] }) },
        /refused the client certificate: .*not issued by/,
      ],
      [
        'expired',
        {
          pair: await issueClientCertificate({
            ca: node.secrets.certs.os,
            roles: ['os:admin'],
            now: Date.now() - 50 * MINUTE_MS,
            lifetimeMs: 10 * MINUTE_MS,
          }),
        },
        /refused the client certificate: .*expired at/,
      ],
      ['other-ca', { ca: stranger.crt }, /is not trusted: its certificate is not signed by/],
    ];
    for (const [name, change, pattern] of cases) {
      const file = await home.write(name, node.talosconfig(change));
      isOneLine(t, await home.run('--talosconfig', file, 'version'), 4, pattern);
    }
  });

  await t.test('a node behind a port that is no endpoint is asked of nobody', async (t) => {
    isOneLine(
      t,
      await osctl('-n', '127.0.0.1:1', 'reboot'),
      2,
      /127\.0\.0\.1:1 is none of the endpoints: 127\.0\.0\.1:\d+/,
    );
    const wrong = await home.write('wrong-node', node.talosconfig({ nodes: ['127.0.0.1:1'] }));
    isOneLine(t, await home.run('--talosconfig', wrong, 'version'), 1, /is none of the endpoints/);
  });

  await t.test('a certificate for another address: exit code 4', async (t) => {
    const other = await FakeNode.start({ secrets: node.secrets, dnsNames: ['elsewhere'], ipAddresses: ['10.9.9.9'] });
    t.teardown(() => other[Symbol.asyncDispose]());
    isOneLine(t, await osctl('-e', other.endpoint, 'version'), 4, /not for this name or address/);
  });
});
