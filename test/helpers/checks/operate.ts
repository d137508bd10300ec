/** What an administrator types first. */
import type { Test } from 'tap';
import type { TestNode } from '../node.js';

/** The API answers: version, processes, services, a log. */
export async function answers(t: Test, { home, arch }: TestNode): Promise<void> {
  await t.test('version', async (t) => {
    const table = await home.succeed(['version']);
    t.match(table.stdout, /Talos|Tag/);
    const answer = JSON.stringify(await home.json('version'));
    t.match(answer, /"os":\s*"linux"/);
    t.match(answer, new RegExp(`"arch":\\s*"${arch}"`));
  });

  await t.test('ps', async (t) => {
    const { stdout } = await home.succeed(['ps']);
    const [header = '', ...rows] = stdout.trimEnd().split('\n');
    t.match(header, /NAMESPACE +ID +IMAGE +PID +STATUS/);
    for (const [id, image] of [
      ['init', '/sbin/init'],
      ['machined', '/sbin/machined'],
      ['osd', '/sbin/osd'],
    ] as const) {
      const row = rows.find((line) => line.split(/ +/).includes(id)) ?? '';
      t.match(row, new RegExp(`system +${id} +${image} +\\d+ +RUNNING`, 'i'), id);
    }
    t.match(
      stdout,
      /system +networkd +\/sbin\/networkd +(?:\d+ +RUNNING|- +WAITING)$/m,
      'it may be started a little later',
    );
  });

  await t.test('service', async (t) => {
    const { stdout } = await home.succeed(['service']);
    t.match(stdout, /osd +Running/);
    t.match(stdout, /machined +Running/);
  });

  await t.test('logs of osd', async (t) => {
    const { stdout } = await home.succeed(['logs', 'osd']);
    t.match(stdout, /listening/);
  });
}
