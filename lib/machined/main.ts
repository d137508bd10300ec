/**
 * machined: owns the machine config and the keys. Root, but nobody reaches it over the network: its peers do through connections
 * that PID 1 makes, and on a worker it asks trustd of a control plane itself (join/). It may end at any time and starts again from the config that it had.
 */
import { hostname, networkInterfaces } from 'node:os';
import { errorMessage } from '../base/errors.js';
import { BUILD } from '../base/version.js';
import type { MachineConfig } from '../config/schema.js';
import { ControlClient } from '../control/client.js';
import type { ControlEvent } from '../control/protocol.js';
import { type AllowList, ControlServer } from '../control/server.js';
import type { FileDescriptor, NativeAddon } from '../native/contract.js';
import { loadNative } from '../native/index.js';
import { findExt4ByLabel } from '../os/block-devices.js';
import { readKernelCommandLine } from '../os/kernel-command-line.js';
import { activate, validityOf } from './activate.js';
import { apiServersOf } from './api-servers.js';
import { Blockd } from './blockd.js';
import { certificateHandler } from './certificates.js';
import { ClockGate } from './clock-gate.js';
import type { ConfigDiskAccess } from './config-disk.js';
import { ConfigKeeper } from './config-keeper.js';
import { ConfigStore } from './config-store.js';
import { nodeContainers } from './containers/index.js';
import { disksOf } from './disks.js';
import { FirstConfig } from './first-config.js';
import { MOUNT_POINT, STATE_FOLDER } from './folders.js';
import type { Join } from './join/join.js';
import { NodeCluster } from './kubernetes/cluster.js';
import { Kubernetes } from './kubernetes/index.js';
import { type LoadedConfig, loadConfig } from './load-config.js';
import { MachinedLog } from './log.js';
import { Maintenance } from './maintenance.js';
import { nodeCertificateHandler } from './node-certificates.js';
import { IdentityHolder } from './node-identity.js';
import { Peers } from './peers.js';
import { queryHandlers } from './queries/handlers.js';
import { Uploads } from './queries/uploads.js';
import { RunningConfig } from './running-config.js';
import { serverNames } from './server-names.js';
import { ApiStart, followDisk, nodeVolumes, watchSpace } from './volumes/index.js';

/** The connection to PID 1 that every service with `control` inherits. */
const CONTROL_DESCRIPTOR = 3;

/** Who may ask for what; nobody else is ever connected to us. */
export const ALLOW_LIST: AllowList = {
  issueCertificate: ['osd', 'trustd'],
  issueNodeCertificate: ['trustd'],
  describeApiServers: ['proxyd'],
  query: ['osd'],
  openQueryStream: ['osd'],
  uploadPart: ['networkd', 'osd'],
  offerConfig: ['networkd', 'osd'],
  wipeDisks: ['init'],
  drainNode: ['init'],
  stopContainers: ['init'],
};

/** Resolves when the config was found and applied; serving goes on until PID 1 ends the process. */
export async function main(): Promise<void> {
  process.on('uncaughtException', (error) => giveUp(error));
  process.on('unhandledRejection', (error) => giveUp(error));
  process.on('SIGTERM', () => process.exit(0));

  const native = loadNative();
  const log = new MachinedLog(native.kmsg);
  const identity = new IdentityHolder();
  const clock = new ClockGate({ builtMs: Date.parse(BUILD.built), notice: (text) => log.notice(text) });
  const disk = configDisk(native);
  const volumes = nodeVolumes(native, log);
  const store = new ConfigStore(native.files, volumes, disk);
  const api = new ApiStart();
  const running = new RunningConfig(native.files, STATE_FOLDER);
  const peers = new Peers();
  const uploads = new Uploads();
  const maintenance = new Maintenance({ identity, problem: (text) => log.problem(text) });
  const first = new FirstConfig({
    parameter: readKernelCommandLine().get('talos.config'),
    ...{ netlink: native.netlink, files: native.files },
    ...{ disk, volumes, store, identity, maintenance, uploads, log, init: () => init },
  });
  const blockd = new Blockd({
    init: { request: (...call) => init.request(...call) },
    channels: native.channel,
    block: native.block,
  });
  const disks = disksOf({
    block: native.block,
    blockd,
    mounts: () => native.mount.mountInfo(),
    log: (text) => log.notice(text),
  });
  const config = new ConfigKeeper({
    activate: (next, before) => activate({ init, identity, clock, tell: (kind) => peers.tell({ kind }) }, next, before),
    store: (text) => store.store(text),
    remember: (text) => running.write(text),
    // After the reply is out.
    reboot: (reason) => void setImmediate(() => reboot(init, reason, log)),
    changed: () => cluster.configChanged(),
    notice: (text) => log.notice(text),
  });
  const join = once(() =>
    joining(
      () => init,
      () => config.running.config,
      log,
      () => api.isHeldUp(),
    ),
  );
  const server = new ControlServer({
    channels: native.channel,
    allow: ALLOW_LIST,
    log: (text) => log.info(text),
    handlers: {
      issueCertificate: certificateHandler({
        identity,
        clock,
        names: (certSans) => serverNames(hostname(), networkInterfaces(), certSans),
        join: async (...words) => (await join()).certificate(...words),
        maintenanceIssued: (pem) => maintenance.issued(pem),
        log: (text) => log.info(text),
      }),
      issueNodeCertificate: nodeCertificateHandler({
        identity,
        ownAddresses: () =>
          Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
        log: (text) => log.info(text),
      }),
      describeApiServers: async () => ({
        body: {
          servers: apiServersOf(config.running.config, cluster.apiServers),
          nameServers: await nameServersOf(init),
        },
      }),
      offerConfig: (request, context) => first.offer(request, context),
      ...queryHandlers({
        uploads,
        descriptor: native.descriptor,
        table: async () =>
          (await import('./queries/index.js')).queryTable({
            native,
            config,
            blockd,
            disks,
            volumes,
            containers,
            kubernetes,
            log: (text) => log.info(text),
          }),
        log: (text) => log.info(text),
      }),
      drainNode: async (_request, { signal }) => {
        await kubernetes.drain(signal);
        return { body: {} };
      },
      stopContainers: async () => {
        kubernetes.stop();
        await cluster.stop();
        await containers.stop();
        return { body: {} };
      },
      wipeDisks: async (request) => {
        await cluster.stop();
        await volumes.wipe(request.partitions);
        await disks.wipe(request.disks);
        return { body: {} };
      },
    },
  });
  const init = new ControlClient(native.descriptor.adopt(CONTROL_DESCRIPTOR), {
    channels: native.channel,
    onEvent: (event, descriptors) => {
      maintenance.take(event);
      // An osd without a config is not the API that disks wait for.
      if (!maintenance.isOpen) api.take(event);
      if (event.kind === 'clockStepped') clock.stepped();
      cluster.take(event);
      if (event.kind === 'containerRequested') containers.ask(event.id, event.action);
      acceptPeer(server, peers, event, descriptors);
    },
    onClose: (error) => giveUp(error ?? new Error('PID 1 closed the connection')),
  });

  const containers = nodeContainers(native, init, log);
  const kubernetes = new Kubernetes({
    ...{ files: native.files, mount: native.mount, init, log, containerd: containers },
    config: () => config.running.config,
    apiServers: () => cluster.apiServers,
    writePodNetwork: (podCidrs) => cluster.writePodNetwork(podCidrs),
    clockProblem: () => clock.problem(validityOf(config.running)),
  });
  const cluster = new NodeCluster({
    ...{ native, init, peers, log, config: () => config.running.config },
    manifestsProblem: (text) => kubernetes.setManifestsProblem(text),
  });

  const again = await runningConfig(running);
  const { found, source } = again ?? (await first.find(MOUNT_POINT));
  for (const warning of found.warnings) log.info(`machine config: ${warning}`);
  for (const problem of await config.begin(found)) log.problem(problem);
  await running.write(found.text);
  // The osd of maintenance mode ends, and another one begins, which has seen nothing of all that strangers have sent.
  if (maintenance.wasOpen) peers.tell({ kind: 'identityChanged' });
  log.notice(`the machine config was read from ${source}; host name ${hostname()}`);
  if (!again) await api.wait();
  const { STATE, EPHEMERAL } = await volumes.finish();
  await store
    .settle(found.text)
    .catch((error) => log.problem(`the machine config was not kept in STATE: ${errorMessage(error)}`));
  await init.request('reportVolumes', { stateDisk: STATE ?? '', ephemeralDisk: EPHEMERAL ?? '' });
  watchSpace(native, init, log);
  followDisk(native.netlink, volumes);
  cluster.begin();
  await containers.start(config.running.config.machine.type);
  await kubernetes.start();
}

/** The same result for everybody, made when the first one asks. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** For a node that has to ask others for its certificates; no other one loads it. */
async function joining(
  init: () => ControlClient,
  config: () => MachineConfig,
  log: MachinedLog,
  heldUp: () => void,
): Promise<Join> {
  const { Join, endpointAddresses } = await import('./join/index.js');
  return new Join({
    resolve: async (name) => endpointAddresses(name, config(), () => nameServersOf(init())),
    problem(text) {
      log.problem(text);
      heldUp();
    },
  });
}

/** Those of the config, or of a DHCP server. */
async function nameServersOf(init: ControlClient): Promise<string[]> {
  return (await init.request('describeTime', {})).body.nameServers;
}

function configDisk(native: NativeAddon): ConfigDiskAccess {
  return {
    mount: native.mount,
    files: native.files,
    findByLabel: async (label) => (await findExt4ByLabel(native.block, label)).map(({ device }) => device.path),
    mountPoint: MOUNT_POINT,
  };
}

/** That of an earlier machined of this boot. */
async function runningConfig(running: RunningConfig): Promise<{ found: LoadedConfig; source: string } | undefined> {
  const text = await running.read();
  return text === undefined ? undefined : { found: loadConfig(text), source: 'the memory of this boot' };
}

function reboot(init: ControlClient, reason: string, log: MachinedLog): void {
  init
    .request('power', {
      ...{ action: 'REBOOT', force: false, actorId: '', reason },
      ...{ drain: true, reset: false, disksToWipe: [], partitionsToWipe: [] },
    })
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
