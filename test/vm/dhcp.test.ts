/** A node that asks for its address: QEMU's user network has a DHCP server, which gives 10.0.2.15 for a day. */
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { makeConfigDisk } from '../../lib/cluster/config-disk.js';
import { plugDisk } from '../../lib/cluster/node-control.js';
import { readConfigDisk } from '../helpers/credentials.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

t.test('a node with ip=dhcp', async (t) => {
  const node = await TestNode.create({ name: 'dhcp', layer: 'test', kernelArguments: 'ip=:::::eth0:dhcp' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const log = home.stream('logs', 'networkd', '-f');
  t.teardown(() => log.stop());
  /** The log until this was said so many times. */
  const said = async (pattern: RegExp, times: number): Promise<string[]> => {
    const count = (lines: { text: string }[]) => lines.filter(({ text }) => pattern.test(text)).length;
    const lines = await log.until(seconds(60), `${pattern}, ${times} times`, (lines) => count(lines) >= times);
    return lines.map(({ text }) => text);
  };

  await t.test('is reached by the address that it was given', async (t) => {
    await said(/eth0: leased 10\.0\.2\.15\/24 from 10\.0\.2\.2 for 86400 s/, 1);
    t.match((await home.succeed(['ps'])).stdout, /system +networkd +\/sbin\/networkd +\d+ +RUNNING/);
    t.match((await home.succeed(['service', 'networkd'])).stdout, /^HEALTH +OK\nLAST MESSAGE +eth0 has [\d.]+\/24$/m);
    t.match((await node.waitForConsole(/network: eth0 has 10\.0\.2\.15\/24 by DHCP/)).text, /\[talos\]/);
  });

  await t.test('its networkd may be started again, and the address stays', async (t) => {
    await home.succeed(['service', 'networkd', 'restart']);
    const lines = await said(/leased 10\.0\.2\.15/, 2);
    t.ok(lines.some((line) => /eth0 still has 10\.0\.2\.15/.test(line)));
    t.ok(lines.some((line) => /asking for 10\.0\.2\.15 again/.test(line)));
    t.notOk(lines.some((line) => /giving 10\.0\.2\.15 back/.test(line)));
  });

  await t.test('a cable that is pulled and put back', async (t) => {
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    const mark = node.consoleMark;
    await qmp.execute('set_link', { name: 'net0', up: false });
    await node.waitForConsole(/network: eth0 has no carrier/, { after: mark });
    await qmp.execute('set_link', { name: 'net0', up: true });
    const lines = await said(/leased 10\.0\.2\.15/, 3);
    t.ok(lines.some((line) => /the carrier is gone/.test(line)));
    t.equal((await home.osctl(['version'])).code, 0, 'the node is reached again');
  });

  await t.test('it keeps its address until all others have stopped', async (t) => {
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    const closed = once(qmp, 'close');
    const mark = node.consoleMark;
    await home.succeed(['shutdown'], seconds(90));
    await within(seconds(60), 'QEMU to end', closed, () => node.consoleTail());
    const texts = node.console.lines.slice(mark).map(({ text }) => text);
    const stopped = (id: string) => texts.findIndex((text) => text.includes(`service ${id}: Stopped: exit code 0`));
    t.ok(stopped('osd') !== -1 && stopped('osd') < stopped('networkd'), texts.join('\n'));
  });
});

t.test('a node whose config asks for DHCP', async (t) => {
  // The last of several counts, and an empty one says nothing.
  const node = await TestNode.createWaiting({ name: 'dhcp-config', kernelArguments: 'ip=' });
  t.teardown(() => node[Symbol.asyncDispose]());
  await node.waitForConsole(/no config disk/i);
  const file = join(node.home.folder, 'dhcp.img');
  const document = '---\napiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\n';
  await makeConfigDisk(file, `${(await readConfigDisk(node.state.configDisk)).trimEnd()}\n${document}`);
  await plugDisk(node.state, { id: 'config', file, port: 'hotplug0' });
  await node.waitForConsole(/network: eth0 has 10\.0\.2\.15\/24 by DHCP/);
  await node.waitForApi(0);
  t.equal((await node.home.osctl(['version'])).code, 0);
});
