/** The question before a reset, on a real terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { FakeNode } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(60_000);

const main = fileURLToPath(new URL('../../../lib/osctl/main.js', import.meta.url));

t.test('a reset asks on a terminal', async (t) => {
  const asked: unknown[] = [];
  const node = await FakeNode.start({
    handlers: {
      Reset: (request) => {
        asked.push(request);
        return { messages: [{ actorId: 'a' }] };
      },
    },
  });
  const home = await OsctlHome.create();
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const config = await home.write('config', node.talosconfig());

  /** Runs it on a terminal of its own, types the answer when it is asked, and gives what the terminal showed. */
  async function reset(answer: string, ...words: string[]) {
    const line = [process.execPath, main, '--talosconfig', config, 'reset', '--no-wait', ...words].join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], { env: home.environment });
    let shown = '';
    let isAnswered = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      if (isAnswered || !shown.includes('[y/N]')) return;
      isAnswered = true;
      child.stdin.write(answer);
    });
    const [code] = (await once(child, 'close')) as [number];
    return { code, shown, isAnswered };
  }

  for (const [name, answer] of [
    ['no', 'n\r'],
    ['nothing', '\r'],
    ['another word', 'yesterday\r'],
    ['the end of input', '\x04'],
    ['Ctrl-C', '\x03'],
  ] as const) {
    const { code, shown } = await reset(answer, '--user-disks-to-wipe', '/dev/vdb,/dev/vdc');
    t.match(shown, `Reset ${node.endpoint} and wipe STATE and EPHEMERAL, /dev/vdb, /dev/vdc of each? [y/N] `);
    t.match(shown, /osctl: nothing was done/, name);
    t.equal(code, 1, name);
  }
  t.same(asked, [], 'the node was not asked for anything');

  for (const answer of ['y\r', 'YES\r']) {
    const { code, shown } = await reset(answer);
    t.match(shown, `Reset ${node.endpoint} and wipe STATE and EPHEMERAL of each? [y/N] `);
    t.equal(code, 0, shown);
  }
  t.equal(asked.length, 2);

  const sure = await reset('', '--yes');
  t.same([sure.code, sure.isAnswered, asked.length], [0, false, 3]);
  const script = await home.run('--talosconfig', config, 'reset', '--no-wait');
  t.same([script.code, asked.length], [0, 4], 'a script has decided already');
});
