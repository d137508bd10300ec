/** The boot of a node: what PID 1 does before and beside starting the services. */
import { MAX_DELAY_MS } from '../base/back-off.js';
import { errorMessage } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { NativeAddon, Watchdog } from '../native/contract.js';
import { CgroupTree } from '../os/cgroup-tree.js';
import { DEFAULT_HOSTNAME } from '../os/hostname.js';
import { type IpParameter, parseIpParameter } from '../os/ip-parameter.js';
import { readKernelCommandLine } from '../os/kernel-command-line.js';
import { bringUpLoopback, configureInterface, waitForInterface } from '../os/network.js';
import { mountPseudoFilesystems } from '../os/pseudo-filesystems.js';
import { applySysctls } from '../os/sysctl.js';
import { maxRestartDelayMs, testParameters } from '../os/test-parameters.js';
import type { AddressBook } from './address-book.js';
import { NETWORKD_ID } from './allow-list.js';
import { checkCommandLine } from './check-parameters.js';
import type { ExitRequest } from './exit-funnel.js';
import { type LoadedDefinitions, loadDefinitions } from './load-definitions.js';
import type { InitLog } from './log.js';
import type { NetworkWishes } from './network-wishes.js';
import type { NodeName } from './node-name.js';
import type { Phase } from './phases.js';
import { powerPhases } from './power-phases.js';

export interface BootContext {
  native: NativeAddon;
  log: InitLog;
  servicesFolder: string;
  nodeName: NodeName;
  network: NetworkWishes;
  addresses: Pick<AddressBook, 'setAddresses'>;
  /**
   * Without cgroups (a host that has none, in tests) services run all the same, unlimited.
   * @param options  `wanted`: services that this boot needs, besides those that every boot does; `maxRestartDelayMs`: bound of the back-off
   */
  startServices(
    definitions: LoadedDefinitions,
    cgroups: CgroupTree | undefined,
    options?: { wanted?: readonly string[]; maxRestartDelayMs?: number },
  ): void;
  /** Leads into the exit funnel. */
  goDown(request: ExitRequest): void;
  /** Takes the running watchdog, to stop it before the machine is powered off. */
  keepWatchdog(watchdog: Watchdog): void;
}

/** A network card's driver may take its time; after this the node stays without that interface, and says so. */
const INTERFACE_TIMEOUT_MS = 60 * SECOND_MS;

/**
 * The phases of a node. Those that do not wait for anything come first, in order of need; the definitions of services are read meanwhile,
 * and the network, which may have to wait for a driver, holds nothing up.
 */
export function bootPhases(context: BootContext): Phase[] {
  const { native, log, servicesFolder, nodeName, network, startServices } = context;
  let definitions: LoadedDefinitions | undefined;
  let cgroups: CgroupTree | undefined;
  let ip: IpParameter | undefined;
  let needsNetworkd = false;
  let maxDelayMs = MAX_DELAY_MS;
  return [
    {
      name: 'definitions',
      isRequired: true,
      after: [],
      run: async () => {
        definitions = await loadDefinitions(servicesFolder);
      },
    },
    {
      name: 'pseudo-filesystems',
      isRequired: true,
      after: [],
      run: () => {
        const { failed } = mountPseudoFilesystems(native.mount);
        for (const { target, message } of failed) log.notice(`${target} was not mounted: ${message}`);
      },
    },
    {
      name: 'kernel-parameters',
      isRequired: true,
      after: ['pseudo-filesystems'],
      run: async () => {
        const line = readKernelCommandLine();
        const more = await testParameters();
        checkCommandLine(line, { more });
        maxDelayMs = maxRestartDelayMs(line, more);
      },
    },
    {
      name: 'cgroups',
      isRequired: true,
      after: ['pseudo-filesystems'],
      run: () => {
        cgroups = CgroupTree.create(native.cgroup);
        for (const problem of cgroups.problems.splice(0)) log.notice(`cgroup ${problem}`);
      },
    },
    {
      name: 'sysctls',
      isRequired: false,
      after: ['pseudo-filesystems'],
      run: () => {
        const { missing, failed } = applySysctls();
        if (missing.length > 0) log.notice(`the kernel has no ${missing.join(', ')}`);
        for (const { key, message } of failed) log.warning(`${key} was not set: ${message}`);
      },
    },
    {
      name: 'hostname',
      isRequired: false,
      after: ['pseudo-filesystems'],
      run: () => {
        ip = readIpParameter(log);
        needsNetworkd = network.decide(ip);
        nodeName.set('default', DEFAULT_HOSTNAME);
        if (ip && 'hostname' in ip && ip.hostname !== undefined) nodeName.set('kernel-command-line', ip.hostname);
      },
    },
    {
      name: 'loopback',
      isRequired: false,
      after: ['pseudo-filesystems'],
      run: () => bringUpLoopback(native.netlink),
    },
    ...powerPhases(context),
    {
      name: 'services',
      isRequired: true,
      after: ['definitions', 'kernel-parameters', 'cgroups', 'sysctls', 'hostname', 'loopback'],
      run: () => {
        const wanted = needsNetworkd ? [NETWORKD_ID] : [];
        if (definitions && cgroups) startServices(definitions, cgroups, { wanted, maxRestartDelayMs: maxDelayMs });
      },
    },
    {
      name: 'network',
      isRequired: false,
      after: ['hostname', 'loopback'],
      run: () => bringUpNetwork(context, ip),
    },
  ];
}

/** A parameter that cannot be read leaves the node without a network but not without a console: it must come up to say so. */
function readIpParameter(log: InitLog): IpParameter | undefined {
  const text = readKernelCommandLine().get('ip');
  if (text === undefined) return undefined;
  try {
    return parseIpParameter(text);
  } catch (error) {
    log.error(errorMessage(error));
    return undefined;
  }
}

async function bringUpNetwork(
  { native, log, addresses }: Pick<BootContext, 'native' | 'log' | 'addresses'>,
  ip: IpParameter | undefined,
): Promise<void> {
  if (ip === undefined || ip.kind === 'off') {
    log.notice(
      ip
        ? 'no network yet: ip=off, so it is for the config, and without DHCP'
        : 'no network yet: no usable ip=, so it is for the config',
    );
    return;
  }
  if (ip.kind === 'dhcp') return;
  const link = await waitForInterface(native.netlink, { name: ip.device, timeoutMs: INTERFACE_TIMEOUT_MS });
  configureInterface(native.netlink, link, { address: ip.address, gateway: ip.gateway });
  addresses.setAddresses(link.name, [ip.address]);
  log.info(`network: ${link.name} has ${ip.address}${ip.gateway === undefined ? '' : ` by ${ip.gateway}`}`);
}
