/** A node that has no machine config: machined's part of it with a real osd server in maintenance mode before it, over real control connections. */
import { join } from 'node:path';
import type { Test } from 'tap';
import { ControlClient } from '../../../lib/control/client.js';
import { ControlServer } from '../../../lib/control/server.js';
import { certificateHandler } from '../../../lib/machined/certificates.js';
import type { ConfigDiskAccess } from '../../../lib/machined/config-disk.js';
import { ConfigStore } from '../../../lib/machined/config-store.js';
import { FirstConfig } from '../../../lib/machined/first-config.js';
import { ALLOW_LIST } from '../../../lib/machined/main.js';
import { Maintenance } from '../../../lib/machined/maintenance.js';
import { IdentityHolder } from '../../../lib/machined/node-identity.js';
import { queryHandlers } from '../../../lib/machined/queries/handlers.js';
import { Uploads } from '../../../lib/machined/queries/uploads.js';
import { StateConfig } from '../../../lib/machined/state-config.js';
import { loadNative } from '../../../lib/native/index.js';
import type { MachineNames } from '../../../lib/os/machine-names.js';
import { MaintenanceServer } from '../../../lib/osd/maintenance/server.js';
import type { StrangerLimits } from '../../../lib/server/limits.js';
import { type IssuedMaterial, NodeIdentity } from '../../../lib/server/node-identity.js';
import { FakeNetlink } from '../os/fake-netlink.js';

export interface WaitingNodeOptions {
  /** Value of `talos.config=`. */
  parameter?: string;
  /** What the firmware says. */
  names?: MachineNames;
  /** Text of the config disk. */
  disk?: () => string | undefined;
  /** Of STATE; undefined: there is none. */
  state?: string | undefined;
  /** Why STATE cannot be used. */
  stateProblem?: string;
  limits?: Partial<StrangerLimits>;
  /** How often PID 1 does not take what the network is to be. */
  networkRefusals?: number;
}

export async function waitingNode(t: Test, options: WaitingNodeOptions = {}) {
  const native = loadNative();
  const channels = native.channel;
  const folder = t.testdir({ state: options.state === undefined ? {} : { 'config.yaml': options.state }, disk: {} });
  const said: string[] = [];
  const problems: string[] = [];
  const asked: { method: string; body: unknown }[] = [];
  const log = {
    info: (text: string) => void said.push(text),
    problem: (text: string) => {
      problems.push(text);
      wake();
    },
  };
  let wake = () => {};
  const netlink = new FakeNetlink();
  const identity = new IdentityHolder();
  const statePath = join(folder, 'state');
  const volumes: { statePath: string | undefined; exclusively<T>(work: () => Promise<T>): Promise<T> } = {
    statePath: options.state === undefined ? undefined : statePath,
    exclusively: (work) => work(),
  };
  const { disk: diskText = () => undefined } = options;
  const disk: ConfigDiskAccess = {
    files: {
      ...native.files,
      openRoot: (path) => native.files.openRoot(path),
      readFile: async (root, name, limits) =>
        name === 'config.yaml' ? Buffer.from(diskText() ?? '') : native.files.readFile(root, name, limits),
    } as ConfigDiskAccess['files'],
    mountPoint: join(folder, 'disk'),
    findByLabel: async () => (diskText() === undefined ? [] : ['/dev/vda']),
    mount: { mount: async () => {}, umount: async () => {} },
  };
  const store = new ConfigStore(native.files, volumes, disk);
  const uploads = new Uploads();
  const addresses = ['192.0.2.15'];
  const maintenance = new Maintenance({
    identity,
    problem: log.problem,
    addresses: () => addresses,
    quietMs: 20,
  });
  let { networkRefusals = 0 } = options;
  const init = {
    request: async (method: string, body: unknown) => {
      asked.push({ method, body });
      wake();
      if (method === 'setNetwork' && networkRefusals-- > 0) throw new Error('the deadline is over');
      return { body: {}, descriptors: [] };
    },
  };
  const first = new FirstConfig({
    parameter: options.parameter,
    names: async () => options.names ?? {},
    ...{ netlink, files: native.files, disk, store, identity, maintenance, uploads, log },
    volumes: { openState: async () => options.stateProblem },
    networkRetryMs: 10,
    init: () => init as never,
  });
  const server = new ControlServer({
    channels,
    allow: ALLOW_LIST,
    log: log.info,
    handlers: {
      issueCertificate: certificateHandler({
        identity,
        names: () => ({ dnsNames: ['node-1'], ipAddresses: ['127.0.0.1'] }),
        join: async () => Promise.reject(new Error('not here')),
        clock: { pass: async () => {} },
        maintenanceIssued: (pem) => maintenance.issued(pem),
        log: log.info,
      }),
      offerConfig: (request, context) => first.offer(request, context),
      ...queryHandlers({
        descriptor: native.descriptor,
        uploads,
        table: async () => ({ unary: {}, streams: {} }),
        log: log.info,
      }),
    },
  });
  const connectionOf = (peer: string): ControlClient => {
    const [own, theirs] = channels.pair();
    server.accept(theirs, peer);
    const client = new ControlClient(own, { channels });
    t.teardown(() => client.close());
    return client;
  };
  const found = first.find(disk.mountPoint);
  /** Resolves when it is true, looked at whenever something was said or asked. */
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  /** osd begins to serve; resolves when it does. */
  const serve = async (): Promise<{
    port: number;
    material: IssuedMaterial;
    server: MaintenanceServer;
    lines: string[];
  }> => {
    const machined = connectionOf('osd');
    const lines: string[] = [];
    const issue = async (key: { publicKey: Uint8Array; signingRequest: Uint8Array }) =>
      (await machined.request('issueCertificate', key, { deadlineMs: 5000 })).body;
    const material = await new NodeIdentity(issue, (line) => lines.push(line)).obtain(new AbortController().signal);
    const osd = new MaintenanceServer({
      material,
      machined: async () => machined,
      log: (line) => lines.push(line),
      ...(options.limits && { limits: options.limits }),
    });
    const { port } = await osd.listen({ port: 0, host: '127.0.0.1' });
    t.teardown(() => osd.close(100));
    maintenance.take({ kind: 'listening', peer: 'osd' });
    return { port, material, server: osd, lines };
  };
  const state = new StateConfig(native.files, statePath);
  return {
    ...{ found, first, identity, maintenance, store, state, volumes, statePath, netlink },
    ...{ said, problems, asked, addresses, serve, until, connectionOf, folder },
  };
}
