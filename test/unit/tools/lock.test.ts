/** One build at a time in a checkout, whatever becomes of the one before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { checkout } from '../../helpers/checkout.js';
import { within } from '../../helpers/deadline.js';

type Lock = <T>(onWait: (pid: number) => void, work: () => Promise<T>, folder?: string) => Promise<T>;

const file = join(checkout, 'tools/lib/lock.mjs');
const { withBuildLock } = (await import(file)) as { withBuildLock: Lock };
const DEADLINE_MS = 20_000;

/** A process of its own that runs this with the lock's function in reach. */
function program(body: string, ...words: string[]) {
  const text = `import { withBuildLock } from ${JSON.stringify(file)};\n${body}`;
  return spawn(process.execPath, ['--input-type=module', '-e', text, '--', ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

t.test('a build that was killed leaves nothing behind', async (t) => {
  const folder = t.testdir({});
  const holder = program(
    `await withBuildLock(() => {}, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); }, process.argv[1]);`,
    folder,
  );
  await within(DEADLINE_MS, 'the lock is held', once(createInterface({ input: holder.stdout }), 'line'));
  const told: number[] = [];
  const done = withBuildLock(
    (pid) => {
      told.push(pid);
      holder.kill('SIGKILL');
    },
    async () => 'done',
    folder,
  );
  t.equal(await within(DEADLINE_MS, 'the lock', done), 'done');
  t.same(told, [holder.pid], 'who waits is told for whom, once');
});

t.test('of many there is one at a time', async (t) => {
  const folder = t.testdir({ log: '' });
  const body = `import { appendFileSync } from 'node:fs';
    const [folder] = process.argv.slice(1);
    for (let round = 0; round < 5; round++) {
      await withBuildLock(() => {}, async () => {
        appendFileSync(folder + '/log', 'in\\n');
        await new Promise((resolve) => setImmediate(resolve));
        appendFileSync(folder + '/log', 'out\\n');
      }, folder);
    }`;
  const ends = Array.from({ length: 6 }, () => once(program(body, folder), 'exit'));
  t.same(
    (await within(DEADLINE_MS, 'all of them', Promise.all(ends))).map(([code]) => code),
    [0, 0, 0, 0, 0, 0],
  );
  t.equal(readFileSync(join(folder, 'log'), 'utf8'), 'in\nout\n'.repeat(30));
});

t.test('what fails gives it back', async (t) => {
  const folder = t.testdir({});
  const fails = async () => {
    throw new Error('no');
  };
  await t.rejects(
    withBuildLock(() => t.fail('nobody has it'), fails, folder),
    { message: 'no' },
  );
  t.equal(
    await withBuildLock(
      () => t.fail('nobody has it'),
      async () => 'yes',
      folder,
    ),
    'yes',
  );
});
