/** The kernel's log as it is printed. */
import t from 'tap';
import { parse } from 'yaml';
import { operatingNode } from './operating-node.js';

t.setTimeout(120_000);

t.test('dmesg', async (t) => {
  const { node, osctl } = await operatingNode(t);

  await t.test('dmesg', async (t) => {
    const two = 'kern: warning: [2026]: two\n  more of it\n';
    const three = 'user:    info: [2026]: three\u001b[2J\n';
    t.equal((await osctl('dmesg')).stdout, `kern:    info: [2026]: one\n${two}${three}`);
    t.equal((await osctl('dmesg', '--tail', '1')).stdout, three);
    t.equal((await osctl('dmesg', '--tail', '0')).stdout, '');
    t.equal((await osctl('dmesg', '-f', '--tail')).code, 0);
    t.match(await osctl('dmesg', '-f', '--tail', '1'), { code: 0, stdout: three, stderr: '' });
    t.equal((await osctl('dmesg', '--level', 'warning')).stdout, two, 'that level and worse');
    t.equal((await osctl('dmesg', '--level', 'info,debug', '--facility', 'user')).stdout, three);
    t.equal((await osctl('dmesg', '--level', 'crit')).stdout, '');
    t.equal(
      (await osctl('dmesg', '--facility', 'kern', '--tail', '2')).stdout,
      two,
      'the last of those that are wanted',
    );
    const wrong = await osctl('dmesg', '--level', 'loud');
    t.equal(wrong.code, 2);
    t.match(wrong.stderr, /^osctl: "loud" is no level; there are emerg, alert, /);
  });

  await t.test('dmesg as data', async (t) => {
    const records = [
      { node: node.endpoint, time: '2026', facility: 'kern', level: 'info', message: 'one' },
      { node: node.endpoint, time: '2026', facility: 'kern', level: 'warning', message: 'two' },
      { node: node.endpoint, message: '  more of it' },
      { node: node.endpoint, time: '2026', facility: 'user', level: 'info', message: 'three\u001b[2J' },
    ];
    const json = (await osctl('dmesg', '-o', 'json')).stdout;
    t.same(
      json
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      records,
    );
    t.same(parse((await osctl('dmesg', '-o', 'yaml')).stdout), records);
    t.same(parse((await osctl('dmesg', '-o', 'yaml', '--tail', '2')).stdout), records.slice(2));
  });

  await t.test('dmesg: a gap is said on stderr, exit code 5', async (t) => {
    const { stdout, stderr, code } = await osctl('dmesg', '-f', '--facility', 'kern');
    t.match(stdout, /one\n.*two\n/);
    t.match(stderr, /^osctl: 127\.0\.0\.1:\d+: missed 4 records\n$/);
    t.equal(code, 5);
  });
});
