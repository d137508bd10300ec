/**
 * machined: owns the machine config and the keys. Root, but it hears nothing from the network: its peers reach it through connections
 * that PID 1 makes. It may end at any time and starts again from the config disk.
 */
import { mkdir } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { errorMessage } from '../base/errors.js';
import { ControlClient } from '../control/client.js';
import type { ControlEvent } from '../control/protocol.js';
import { type AllowList, ControlServer } from '../control/server.js';
import type { FileDescriptor } from '../native/contract.js';
import { loadNative } from '../native/index.js';
import { findExt4ByLabel } from '../os/block-devices.js';
import { certificateHandler } from './certificates.js';
import { findConfig } from './find-config.js';
import { MachinedLog } from './log.js';
import { IdentityHolder } from './node-identity.js';
import { queryHandlers } from './queries/handlers.js';
import { readConfigDisk } from './read-config-disk.js';
import { serverNames } from './server-names.js';

/** The connection to PID 1 that every service with `control` inherits. */
const CONTROL_DESCRIPTOR = 3;
const MOUNT_POINT = '/system/config-disk';

/** Who may ask for what; nobody else is ever connected to us. */
export const ALLOW_LIST: AllowList = { issueCertificate: ['osd'], query: ['osd'], openQueryStream: ['osd'] };

/** Resolves when the config was found and applied; serving goes on until PID 1 ends the process. */
export async function main(): Promise<void> {
  process.on('uncaughtException', (error) => giveUp(error));
  process.on('unhandledRejection', (error) => giveUp(error));
  process.on('SIGTERM', () => process.exit(0));

  const native = loadNative();
  const log = new MachinedLog(native.kmsg);
  const identity = new IdentityHolder();
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
        table: async () => (await import('./queries/index.js')).queryTable({ native }),
        log: (text) => log.info(text),
      }),
    },
  });
  const init = new ControlClient(native.descriptor.adopt(CONTROL_DESCRIPTOR), {
    channels: native.channel,
    onEvent: (event, descriptors) => acceptPeer(server, event, descriptors),
    onClose: (error) => giveUp(error ?? new Error('PID 1 closed the connection')),
  });

  await mkdir(MOUNT_POINT, { recursive: true, mode: 0o700 });
  const config = await findConfig({
    netlink: native.netlink,
    read: () =>
      readConfigDisk({
        mount: native.mount,
        files: native.files,
        findByLabel: async (label) => (await findExt4ByLabel(native.block, label)).map(({ device }) => device.path),
        mountPoint: MOUNT_POINT,
      }),
    waiting: (why) => {
      identity.setMissing(why);
      log.problem(why);
    },
  });
  for (const warning of config.warnings) log.info(`machine config: ${warning}`);
  if (config.hostname !== undefined) {
    await init
      .request('setHostname', { hostname: config.hostname })
      .catch((error) => log.problem(`the host name was not set: ${errorMessage(error)}`));
  }
  if (config.dhcpLink !== undefined) {
    await init
      .request('startDhcp', { link: config.dhcpLink })
      .catch((error) => log.problem(`DHCP on ${config.dhcpLink} was not started: ${errorMessage(error)}`));
  }
  identity.set(config.identity);
  log.notice(`the machine config was read from the config disk; host name ${hostname()}`);
}

function acceptPeer(server: ControlServer, event: ControlEvent, descriptors: FileDescriptor[]): void {
  const [socket, ...others] = descriptors;
  for (const descriptor of others) descriptor.close();
  if (event.kind === 'peerConnected' && socket) server.accept(socket, event.peer);
  else socket?.close();
}

/** PID 1 starts us again; the newest line of our log becomes part of our state, so the reason comes last. */
function giveUp(error: unknown): never {
  if (error instanceof Error && error.stack) process.stdout.write(`${error.stack}\n`);
  process.stdout.write(`machined ends: ${errorMessage(error).split('\n')[0]}\n`);
  process.exit(1);
}
