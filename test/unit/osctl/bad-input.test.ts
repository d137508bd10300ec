/** What goes wrong, and what osctl says then: the exit code, one clear line, never a stack trace. */

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
  t.equal(outcome.stderr.trimEnd().split('\n').length, 1, outcome.stderr);
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
    ]) {
      const outcome = await home.run(...words);
      t.equal(outcome.code, 2, words.join(' '));
      t.equal(outcome.stdout, '');
      if (words.length > 0)
        t.match(outcome.stderr, /^osctl: .*\n(\(Did you mean .*\n)? {2}hint: see `osctl.* --help`\n$/);
      else t.match(outcome.stderr, /^Usage: osctl/);
      t.notMatch(outcome.stderr, /\n\s+at /);
    }
    t.equal((await osctl('-o', 'xml', 'version')).code, 2);
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
    const none = await osctl('--context', 'other', 'version');
    t.equal(none.code, 1);
    t.match(none.stderr, /no context is called "other" \(there are: fake\)/);
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
      ['no-cert', { pair: { crt: '', key: '' } }, /no client certificate/],
      ['garbage', { pair: { crt: 'garbage', key: 'garbage' } }, /cannot be used/],
    ];
    for (const [name, change, pattern] of cases) {
      const file = await home.write(name, node.talosconfig(change));
      isOneLine(t, await home.run('--talosconfig', file, 'version'), 4, pattern);
    }
  });

  await t.test('a certificate for another address: exit code 4', async (t) => {
    const other = await FakeNode.start({ secrets: node.secrets, dnsNames: ['elsewhere'], ipAddresses: ['10.9.9.9'] });
    t.teardown(() => other[Symbol.asyncDispose]());
    isOneLine(t, await osctl('-e', other.endpoint, 'version'), 4, /not for this name or address/);
  });
});
