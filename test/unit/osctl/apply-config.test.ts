/** `osctl apply-config` against a real gRPC server on this host. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { FakeNode, statusError } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(60_000);

t.test('apply-config', async (t) => {
  const asked: { data: Buffer; mode: number; dryRun: boolean; tryModeTimeout: { seconds: number; nanos: number } }[] =
    [];
  const node = await FakeNode.start({
    handlers: {
      ApplyConfiguration: (request) => {
        asked.push(request);
        if (request.data.toString().includes('broken')) throw statusError(status.INVALID_ARGUMENT, 'line 1: broken');
        return {
          messages: [
            { mode: 2, modeDetails: request.dryRun ? 'a diff\n+ b\u001b[2J\n' : '', warnings: ['is ignored'] },
          ],
        };
      },
    },
  });
  const home = await OsctlHome.create();
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const osctl = (...words: string[]) => home.run('--talosconfig', home.path('talosconfig'), ...words);
  await home.write('talosconfig', node.talosconfig());
  const file = await home.write('config.yaml', `${'#'.repeat(100_000)}\nversion: v1alpha1\n`);

  const plain = await osctl('apply-config', '-f', file);
  t.same([plain.code, plain.stdout], [0, 'applied (mode no-reboot)\n']);
  t.equal(plain.stderr, 'warning: is ignored\n');
  t.match(asked.at(-1), { mode: 1, dryRun: false });
  t.equal(asked.at(-1)?.data.length, 100_019);

  const dry = await osctl('apply', '--dry-run', '--file', file, '-m', 'try', '--timeout', '90s');
  t.equal(dry.stdout, 'a diff\n+ b\\x1b[2J\n', 'a node cannot move the cursor');
  t.match(asked.at(-1), { mode: 4, dryRun: true, tryModeTimeout: { seconds: 90, nanos: 0 } });

  const more = await home.write('more.yaml', 'machine:\n  certSANs: [b]\n');
  const some = await home.write('some.yaml', '# kept\nmachine:\n  certSANs: [a] # too\n');
  await osctl(
    'apply',
    '-f',
    some,
    '-p',
    'machine: {network: {hostname: n2, nameservers: [1.1.1.1]}}',
    '-p',
    `@${more}`,
  );
  t.equal(
    asked.at(-1)?.data.toString(),
    '# kept\nmachine:\n  certSANs: [ a, b ] # too\n  network:\n    hostname: n2\n    nameservers:\n      - 1.1.1.1\n',
  );
  await osctl('apply', '-f', some, '-p', '[{"op": "add", "path": "/machine/certSANs/-", "value": "c"}]');
  t.equal(asked.at(-1)?.data.toString(), '# kept\nmachine:\n  certSANs: [ a, c ] # too\n');
  t.match(await osctl('apply', '-f', some, '-p', '[{"op": "add"}]'), {
    code: 1,
    stderr: /the patch has a problem:\n {2}line 1: \[0\]\.path: is missing/,
  });
  t.equal((await osctl('apply', '-f', some, '-p', '@')).code, 2);
  t.match(await osctl('apply', '-f', some, '-p', 'a: ['), { code: 1, stderr: /the patch has a problem/ });

  const json = await osctl('-o', 'json', 'apply-config', '-f', file);
  t.same(JSON.parse(json.stdout), { node: node.endpoint, mode: 'no-reboot', details: '', warnings: ['is ignored'] });

  const several = await osctl('-n', 'localhost,127.0.0.1', '-e', node.endpoint, 'apply-config', '-f', file);
  t.match(several.stdout, /localhost: applied.*\n127\.0\.0\.1: applied/);

  const broken = await osctl('apply-config', '-f', await home.write('broken.yaml', 'broken'));
  t.same([broken.code, broken.stderr], [1, 'osctl: INVALID_ARGUMENT: line 1: broken\n']);
  t.match(await osctl('apply-config', '-f', home.path('nothing')), {
    code: 1,
    stderr: `osctl: cannot open ${home.path('nothing')}: no such file or directory\n`,
  });
  for (const words of [[], ['-f', file, '-m', 'soon'], ['-f', file, '--timeout', '0']]) {
    t.equal((await osctl('apply-config', ...words)).code, 2, words.join(' '));
  }
});
