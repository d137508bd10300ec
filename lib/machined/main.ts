/**
 * machined: owns the machine config and the keys. Root, but it hears nothing from the network: its peers reach it through connections
 * that PID 1 makes. It may end at any time and starts again from the config that it had.
 */
import { mkdir } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { errorMessage } from '../base/errors.js';
import { ControlClient } from '../control/client.js';
import type { ControlEvent } from '../control/protocol.js';
import { type AllowList, ControlServer } from '../control/server.js';
import type { FileDescriptor, NativeAddon } from '../native/contract.js';
import { loadNative } from '../native/index.js';
import { findExt4ByLabel } from '../os/block-devices.js';
import { activate } from './activate.js';
import { certificateHandler } from './certificates.js';
import { type ConfigDiskAccess, readConfigDisk, writeConfigDisk } from './config-disk.js';
import { ConfigKeeper } from './config-keeper.js';
import { DiskWiper } from './disk-wiper.js';
import { type FindConfigOptions, findConfig } from './find-config.js';
import { MOUNT_POINT, STATE_FOLDER } from './folders.js';
import { type LoadedConfig, loadConfig } from './load-config.js';
import { MachinedLog } from './log.js';
import { IdentityHolder } from './node-identity.js';
import { Peers } from './peers.js';
import { queryHandlers } from './queries/handlers.js';
import { RunningConfig } from './running-config.js';
import { serverNames } from './server-names.js';

/** The connection to PID 1 that every service with `control` inherits. */
const CONTROL_DESCRIPTOR = 3;

/** Who may ask for what; nobody else is ever connected to us. */
export const ALLOW_LIST: AllowList = {
  issueCertificate: ['osd'],
  query: ['osd'],
  openQueryStream: ['osd'],
  uploadPart: ['osd'],
  wipeDisks: ['init'],
};

/** Resolves when the config was found and applied; serving goes on until PID 1 ends the process. */
export async function main(): Promise<void> {
  process.on('uncaughtException', (error) => giveUp(error));
  process.on('unhandledRejection', (error) => giveUp(error));
  process.on('SIGTERM', () => process.exit(0));

  const native = loadNative();
  const log = new MachinedLog(native.kmsg);
  const identity = new IdentityHolder();
  const disk = configDisk(native);
  const running = new RunningConfig(native.files, STATE_FOLDER);
  const peers = new Peers();
  const disks = new DiskWiper({
    block: native.block,
    mounts: () => native.mount.mountInfo(),
    log: (text) => log.notice(text),
  });
  const config = new ConfigKeeper({
    activate: (next, before) =>
      activate({ init, identity, tellIdentityChanged: () => peers.tell({ kind: 'identityChanged' }) }, next, before),
    store: (text) => writeConfigDisk(disk, text),
    remember: (text) => running.write(text),
    // After the reply is out.
    reboot: (reason) => void setImmediate(() => reboot(init, reason, log)),
    notice: (text) => log.notice(text),
  });
  const server = new ControlServer({
    channels: native.channel,
    allow: ALLOW_LIST,
    log: (text) => log.info(text),
    handlers: {
      issueCertificate: certificateHandler({
        identity,
        names: (certSans) => serverNames(hostname(), networkInterfaces(), certSans),
        log: (text) => log.info(text),
      }),
      ...queryHandlers({
        descriptor: native.descriptor,
        table: async () =>
          (await import('./queries/index.js')).queryTable({ native, config, disks, log: (text) => log.info(text) }),
        log: (text) => log.info(text),
      }),
      wipeDisks: async (request) => {
        await disks.wipe(request.disks);
        return { body: {} };
      },
    },
  });
  const init = new ControlClient(native.descriptor.adopt(CONTROL_DESCRIPTOR), {
    channels: native.channel,
    onEvent: (event, descriptors) => acceptPeer(server, peers, event, descriptors),
    onClose: (error) => giveUp(error ?? new Error('PID 1 closed the connection')),
  });

  const { found, source } = await firstConfig(running, disk, native, (why, outcome) => {
    identity.setMissing(why);
    log.problem(why);
    init
      .request('reportConfig', { outcome, problem: why, timeServers: [], nameServers: [] })
      .catch((error) => log.info(`init was not told: ${errorMessage(error)}`));
  });
  for (const warning of found.warnings) log.info(`machine config: ${warning}`);
  for (const problem of await config.begin(found)) log.problem(problem);
  await running.write(found.text);
  log.notice(`the machine config was read from ${source}; host name ${hostname()}`);
}

function configDisk(native: NativeAddon): ConfigDiskAccess {
  return {
    mount: native.mount,
    files: native.files,
    findByLabel: async (label) => (await findExt4ByLabel(native.block, label)).map(({ device }) => device.path),
    mountPoint: MOUNT_POINT,
  };
}

/** That of an earlier machined of this boot, or the disk's, however long that takes. */
async function firstConfig(
  running: RunningConfig,
  disk: ConfigDiskAccess,
  native: NativeAddon,
  waiting: FindConfigOptions['waiting'],
): Promise<{ found: LoadedConfig; source: string }> {
  const text = await running.read();
  if (text !== undefined) return { found: loadConfig(text), source: 'the memory of this boot' };
  await mkdir(MOUNT_POINT, { recursive: true, mode: 0o700 });
  const found = await findConfig({ netlink: native.netlink, read: () => readConfigDisk(disk), waiting });
  return { found, source: 'the config disk' };
}

function reboot(init: ControlClient, reason: string, log: MachinedLog): void {
  init
    .request('power', { action: 'REBOOT', force: false, actorId: '', reason, reset: false, disksToWipe: [] })
    .catch((error) => log.problem(`the node was not rebooted: ${errorMessage(error)}`));
}

function acceptPeer(server: ControlServer, peers: Peers, event: ControlEvent, descriptors: FileDescriptor[]): void {
  const [socket, ...others] = descriptors;
  for (const descriptor of others) descriptor.close();
  if (event.kind === 'peerConnected' && socket) peers.add(server.accept(socket, event.peer));
  else socket?.close();
}

/** PID 1 starts us again; the newest line of our log becomes part of our state, so the reason comes last. */
function giveUp(error: unknown): never {
  if (error instanceof Error && error.stack) process.stdout.write(`${error.stack}\n`);
  process.stdout.write(`machined ends: ${errorMessage(error).split('\n')[0]}\n`);
  process.exit(1);
}
