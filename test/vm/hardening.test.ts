/** The hardening of a booted node of the shipped image: its kernel, the command line it was given, the sysctls that PID 1 has set. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { MachineClient } from '../../lib/client/index.js';
import { MachineServiceDefinition as api } from '../../lib/gen/machine/service.js';
import { buildArtifacts } from '../../lib/image/artifacts.js';
import { checkHardening, hardeningProblems, readExceptions } from '../../lib/image/hardening.js';
import { apiClient } from '../helpers/api-client.js';
import { checkout } from '../helpers/checkout.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(180));

const onProgress = () => {};

/** A file of the node; undefined when there is none. */
async function fileOf(client: MachineClient, path: string): Promise<string | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const batch of client.stream(api.Read, { path })) {
      parts.push(...batch.map(({ bytes }) => Buffer.from(bytes ?? [])));
    }
  } catch (error) {
    if (/no such file/i.test(String(error))) return undefined;
    throw error;
  }
  return Buffer.concat(parts).toString('utf8').trim();
}

t.test('a booted node', async (t) => {
  const node = await TestNode.create({ name: 'hardening' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const client = await apiClient(node.home);
  t.teardown(() => client.close());

  await t.test('follows what is recommended, but for the exceptions', async (t) => {
    const { kernelConfig } = await buildArtifacts({ onProgress });
    const config = await readFile(kernelConfig, 'utf8');
    const commandLine = await fileOf(client, '/proc/cmdline');
    // What the checker wants to know is in its table.
    const table = await checkHardening(checkout, { config, sysctls: new Map([['kernel.printk', '0']]) }, onProgress);
    const sysctls = new Map<string, string>();
    for (const { kind, name } of table) {
      if (kind !== 'sysctl') continue;
      const value = await fileOf(client, `/proc/sys/${name.replaceAll('.', '/')}`);
      if (value !== undefined) sysctls.set(name, value);
    }
    t.ok(sysctls.size > 30, `${sysctls.size} sysctls`);
    const subject = { config, commandLine, sysctls };
    const rows = await checkHardening(checkout, subject, onProgress);
    const variant = { arch: 'amd64', profile: 'default' } as const;
    t.same(hardeningProblems(rows, await readExceptions(checkout), subject, variant), []);
  });

  await t.test('the kernel has nothing to complain about', async (t) => {
    const { stdout: log } = await node.home.succeed(['dmesg']);
    t.match(log, /Checked W\+X mappings: passed, no W\+X pages found/, 'no page is writable and executable');
    t.match(log, /Kernel is locked down from Kernel configuration/);
    const unknown = /Unknown kernel command line parameters "([^"]*)"/.exec(log)?.[1]?.split(' ') ?? [];
    // What vsyscall= would turn off is not even in this kernel; the word is for one that has it.
    const names = unknown.map((word) => word.split('=')[0]).sort();
    t.same(names, ['ip', 'roothash', 'vsyscall'], 'it knows all that are not for PID 1');
    t.notMatch(log, /WARNING: CPU|BUG:|UBSAN|KFENCE: .* in /);
  });
});
