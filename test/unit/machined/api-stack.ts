/** A real osd with machined's handlers behind it, over real control connections, in the place of a booted node. */
import type { Test } from 'tap';
import { stringifyClientConfig } from '../../../lib/config/index.js';
import { ControlClient } from '../../../lib/control/client.js';
import { ControlServer } from '../../../lib/control/server.js';
import { ConfigKeeper } from '../../../lib/machined/config-keeper.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { ALLOW_LIST } from '../../../lib/machined/main.js';
import { queryHandlers } from '../../../lib/machined/queries/handlers.js';
import { queryTable } from '../../../lib/machined/queries/index.js';
import { loadNative } from '../../../lib/native/index.js';
import { Rig } from '../osd/support/rig.js';
import { NO_BLOCKD, NO_CONTAINERS, NO_KUBERNETES } from './no-containers.js';

export interface ApiStack {
  rig: Rig;
  config: ConfigKeeper;
  /** The newest config that was stored. */
  stored(): string;
  /** Lines of machined's log. */
  log: string[];
  /** Text of a client config for osctl. */
  talosconfig(roles: string[]): Promise<string>;
}

/** @param text  the machine config */
export async function apiStack(t: Test, text: string): Promise<ApiStack> {
  const native = loadNative();
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  let stored = '';
  const config = new ConfigKeeper({
    activate: async () => [],
    store: async (changed) => {
      stored = changed;
    },
    remember: async () => {},
    changed: () => {},
    reboot: () => {},
    notice: log,
  });
  await config.begin(loadConfig(text));
  const channels = native.channel;
  const handlers = queryHandlers({
    descriptor: native.descriptor,
    table: async () =>
      queryTable({
        native,
        config,
        blockd: NO_BLOCKD,
        disks: { check: async () => {}, wipeDevices: async () => {} },
        volumes: { checkWipe: async () => {} },
        containers: NO_CONTAINERS,
        kubernetes: NO_KUBERNETES,
        log,
      }),
    log,
  });
  const server = new ControlServer({ channels, allow: ALLOW_LIST, log, handlers });
  const [osdEnd, machinedEnd] = channels.pair();
  server.accept(machinedEnd, 'osd');
  const machined = new ControlClient(osdEnd, { channels });
  const rig = await Rig.start({ machined });
  t.teardown(async () => {
    await rig.stop();
    machined.close();
  });
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const talosconfig = async (roles: string[]) => {
    const { crt, key } = await rig.authority.client(roles);
    const ca = base64(rig.authority.certificate);
    const context = { endpoints: [`127.0.0.1:${rig.port}`], ca, crt: base64(crt), key: base64(key) };
    return stringifyClientConfig({ context: 'stack', contexts: { stack: context } });
  };
  return { rig, config, stored: () => stored, log: lines, talosconfig };
}
