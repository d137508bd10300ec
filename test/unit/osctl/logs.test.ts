/** Logs as they are printed: bytes, prefixes, gaps, slow readers and those that go away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { onTerminal } from '../../helpers/terminal.js';
import { operatingNode } from './operating-node.js';
import { osctlMain } from './osctl-child.js';

t.setTimeout(120_000);

t.test('logs', async (t) => {
  const { home, node, config, osctl } = await operatingNode(t);

  await t.test('logs', async (t) => {
    t.equal((await osctl('logs', 'osd')).stdout, 'osd 1 tail=-1\nosd 2\nunfinished', 'bytes as they are');
    t.match((await osctl('logs', 'osd', '--tail', '3')).stdout, /tail=3/);
    t.match((await osctl('logs', '--tail', '0', 'osd')).stdout, /tail=0/);
    t.equal((await osctl('logs', 'osd', '--tail', 'x')).code, 2);
  });

  await t.test('logs -f of all services: a prefix a line, no line torn', async (t) => {
    const { stdout, code } = await osctl('logs', '-f');
    t.equal(code, 0);
    const lines = stdout.trimEnd().split('\n').sort();
    t.same(lines, [
      'init  init 1 tail=-1',
      'init  init 2',
      'init  unfinished',
      'osd   osd 1 tail=-1',
      'osd   osd 2',
      'osd   unfinished',
    ]);
  });

  await t.test('logs of several services', async (t) => {
    const { stdout, code } = await osctl('logs', 'osd', 'machined', 'osd', '--tail', '7');
    t.equal(code, 0);
    t.same(stdout.trimEnd().split('\n').sort(), [
      'machined  machined 1 tail=7',
      'machined  machined 2',
      'machined  unfinished',
      'osd       osd 1 tail=7',
      'osd       osd 2',
      'osd       unfinished',
    ]);
    const none = await osctl('logs');
    t.equal(none.code, 2);
    t.match(none.stderr, /name a service/);
  });

  await t.test('logs as data: an object a line', async (t) => {
    const { stdout } = await osctl('logs', 'osd', '-o', 'json');
    const lines = ['osd 1 tail=-1', 'osd 2', 'unfinished'].map((line) => ({
      node: node.endpoint,
      service: 'osd',
      line,
    }));
    t.same(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      lines,
    );
    t.same(parse((await osctl('logs', 'osd', '-o', 'yaml')).stdout), lines);
    t.equal((await osctl('logs', 'gap', '-o', 'json')).code, 5);
  });

  await t.test('a gap: said on stderr, exit code 5, the rest is there', async (t) => {
    const { stdout, stderr, code } = await osctl('logs', 'gap');
    t.equal(stdout, 'before\nafter\n');
    t.match(stderr, /gap: missed 7 records, 700 bytes/);
    t.equal(code, 5);
  });

  await t.test('raw bytes into a pipe', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', 'raw');
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    t.same(Buffer.concat(chunks), Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a]));
  });

  await t.test('control characters are made visible on a terminal', async (t) => {
    const argv = [process.execPath, osctlMain, '--talosconfig', config, 'logs', 'raw'];
    t.same(await onTerminal(argv, home.environment), { code: 0, output: '\\x1b[2J\ufffd\n' });
  });

  await t.test('50 MB: complete, and held back by a slow reader', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', 'large');
    let bytes = 0;
    // Without a listener nothing is read.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const [code] = await once(child, 'close');
    t.equal(code, 0);
    t.equal(bytes, 400 * 128 * 1024);
  });

  await t.test('a stream that breaks: what came is printed, exit code 3', async (t) => {
    const { stdout, stderr, code } = await osctl('logs', 'cut');
    t.equal(stdout, 'some\n');
    t.match(stderr, /UNAVAILABLE: the node is going down/);
    t.equal(code, 3);
  });

  await t.test('a reader that goes away is no error, and ends the call on the node', async (t) => {
    for (const words of [
      ['logs', 'large'],
      ['logs', '-f', 'ticking'],
      ['logs', '-f', 'ticking', 'large'],
    ]) {
      // Says on stderr when the process is ended by force.
      const child = home.startWith(['--trace-exit'], '--talosconfig', config, ...words);
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      child.stdout.once('data', () => child.stdout.destroy());
      const [code] = await once(child, 'close');
      t.equal(code, 0, words.join(' '));
      t.equal(stderr, '', words.join(' '));
    }
  });

  await t.test('output that cannot be written is an error', async (t) => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [osctlMain, '--talosconfig', config, 'logs', 'osd'], {
      env: home.environment,
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    t.equal(code, 1);
    t.equal(stderr, 'osctl: cannot write: no space left on device\n');
  });

  await t.test('Ctrl-C ends a follower, and the call on the node', async (t) => {
    const child = home.start('--talosconfig', config, 'logs', '-f', 'endless');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [code, signal] = await once(child, 'close');
    t.ok(code === null && signal === 'SIGINT');
  });
});
