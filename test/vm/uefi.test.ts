// The released disk on a machine with UEFI firmware, as its user would start it: from the firmware's first line to an answer of the API.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findApiPort } from '../../lib/cluster/api-port.js';
import { makeConfigDisk } from '../../lib/cluster/config-disk.js';
import { ConsoleFollower } from '../../lib/cluster/console-log.js';
import { addContext } from '../../lib/cluster/contexts.js';
import { makeIdentity } from '../../lib/cluster/identity.js';
import { NODE_NETWORK } from '../../lib/cluster/qemu-arguments.js';
import { API_LISTENING } from '../../lib/cluster/wait-for-api.js';
import { uefiFirmware } from '../../lib/image/firmware.js';
import { buildRelease } from '../../lib/image/release.js';
import { testArchitecture } from '../helpers/architecture.js';
import { bareDisk, bareMachine, bareMachineWords, bareNetwork } from '../helpers/bare-machine.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestHome } from '../helpers/node.js';

t.setTimeout(seconds(240));

const onProgress = () => {};
const folder = t.testdir();
const { files } = await buildRelease({ arch: testArchitecture, profile: 'default', format: 'raw', onProgress });
const disk = files[0]?.from ?? '';
const firmware = await uefiFirmware(testArchitecture, onProgress);
const consoleLog = path.join(folder, 'console.log');

/** A machine with the disk, a config disk and a user network, which gives the node its address by DHCP. */
function startMachine(configDisk: string, apiPort: number): ChildProcess {
  const variables = path.join(folder, 'variables.fd');
  copyFileSync(firmware.variables, variables);
  writeFileSync(consoleLog, '');
  const args = [
    ...bareMachineWords,
    ...['-m', '1024M', '-serial', `file:${consoleLog}`],
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${firmware.code}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${variables}`],
    ...['-drive', `if=none,id=disk,format=raw,snapshot=on,file=${disk}`],
    ...['-device', `${bareDisk},drive=disk,bootindex=0`],
    ...['-drive', `if=none,id=config,format=raw,file=${configDisk}`, '-device', `${bareDisk},drive=config`],
    ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${apiPort}-:50000`],
    ...['-device', `${bareNetwork},netdev=net0`],
  ];
  return spawn(bareMachine.qemu, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

t.test('firmware starts the unified kernel image, and the API answers', async (t) => {
  await using home = await TestHome.create();
  const apiPort = await findApiPort();
  const endpoint = `127.0.0.1:${apiPort}`;
  const identity = await makeIdentity({
    clusterName: 'uefi',
    nodes: [{ name: 'uefi', kind: 'controlplane', endpoint, address: NODE_NETWORK.address }],
  });
  const configDisk = path.join(folder, 'config.img');
  await makeConfigDisk(configDisk, identity.machineConfigs[0] as string);
  await addContext(home.environment.TALOSCONFIG ?? '', identity.clientConfig);
  const qemu = startMachine(configDisk, apiPort);
  t.teardown(async () => {
    if (qemu.exitCode !== null) return;
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
  });
  const console = await ConsoleFollower.open(consoleLog);
  t.teardown(() => console.close());
  const tail = () =>
    console.lines
      .slice(-20)
      .map((line) => line.text)
      .join('\n');
  await within(seconds(150), 'the API listens', console.waitFor(API_LISTENING), tail);
  const told = await home.json<{ messages?: unknown }>('version');
  t.match(JSON.stringify(told), /"tag":"v\d+\.\d+\.\d+"/);
  const { stdout } = await home.succeed(['dmesg']);
  t.match(stdout, /EFI v2/, 'the kernel knows that firmware');
  t.match(stdout, /Kernel command line: .*ip=dhcp/, 'the command line is the one inside of the image');
  t.match(stdout, /stage0: root image mounted read-only/);
});
