/**
 * networkd: makes the network of the node what the machine config says, and its clock right. A user of its own, with CAP_NET_ADMIN,
 * CAP_NET_RAW and CAP_SYS_TIME and nothing else. It may end at any time: what it has set stays, and the next run goes on from there.
 */
import { hostname } from 'node:os';
import { errorMessage } from '../base/errors.js';
import { decodeNetworkDocument, type NetworkDocument } from '../config/network-document.js';
import type { UrlValues } from '../config/url-variables.js';
import { ControlClient } from '../control/client.js';
import type { NetworkFacts } from '../control/protocol.js';
import type { NativeAddon } from '../native/contract.js';
import { loadNative } from '../native/index.js';
import { type IpParameter, parseIpParameter } from '../os/ip-parameter.js';
import { readKernelCommandLine } from '../os/kernel-command-line.js';
import type { Timekeeper, TimeServers } from './clock/timekeeper.js';
import type { ConfigFetcher } from './config/index.js';
import { healthOf } from './health.js';
import { NameFiles, nameServers } from './name-files.js';
import { NetworkManager } from './network-manager.js';

/** The connection to PID 1 that every service with `control` inherits. */
const CONTROL_DESCRIPTOR = 3;
/** Less than that no certificate notices. */
const WORTH_TELLING_MS = 1000;

/** Serves until it is told to stop; then the process ends. */
export async function main(): Promise<void> {
  process.on('uncaughtException', (error) => giveUp(error));
  process.on('unhandledRejection', (error) => giveUp(error));

  const native = loadNative();
  let isGoingDown = false;
  let refresh = (): void => {};
  let refreshPods = (): void => {};
  const init = new ControlClient(native.descriptor.adopt(CONTROL_DESCRIPTOR), {
    channels: native.channel,
    onEvent: (event, descriptors) => {
      for (const descriptor of descriptors) descriptor.close();
      if (event.kind === 'shuttingDown') isGoingDown = true;
      if (event.kind === 'networkWanted') refresh();
      if (event.kind === 'podRoutesWanted') refreshPods();
    },
    onClose: (error) => giveUp(error ?? new Error('PID 1 closed the connection')),
  });
  const ask = async () => decodeNetworkDocument((await init.request('describeNetwork', {})).body.document);

  const ip = kernelParameter();
  let document = await ask();
  const files = new NameFiles();
  const interfaces = new Map<string, NetworkFacts>();
  const clock = new LazyTimekeeper(native, (steppedMs, server) => {
    if (Math.abs(steppedMs) < WORTH_TELLING_MS) return;
    init
      .request('reportClock', { steppedMs: Math.round(steppedMs), server })
      .catch((error: unknown) => log(`init was not told: ${errorMessage(error)}`));
  });
  const follow = () => {
    writeNames(files, { document, ip, manager, interfaces });
    clock.use(serversOf(document, ip, manager));
    fetcher.use(document.configUrl);
  };
  const hasAddress = () => [...interfaces.values()].some((facts) => addressesOf(facts).length > 0);
  const fetcher = new LazyFetcher(hasAddress, async () => {
    const [{ configFetcher }, { resolveName }] = await Promise.all([
      import('./config/index.js'),
      import('../os/resolve-name.js'),
    ]);
    const resolve = (name: string) => resolveName(name, serversOf(document, ip, manager).nameServers);
    const values = () => urlValues(native, interfaces);
    return configFetcher({ native, init, resolve, hasAddress, values, log });
  });
  const manager = new NetworkManager({
    native,
    ip,
    document,
    log,
    fail: giveUp,
    serversChanged: () => follow(),
    report: (facts, isWanted) => {
      if (isWanted) interfaces.set(facts.link, facts);
      else interfaces.delete(facts.link);
      const health = healthOf([...interfaces.values()]);
      const told = [init.request('reportNetwork', { facts }), init.request('reportHealth', { ...health, service: '' })];
      // Afterwards the node may have another name. What it can reach by now does not depend on what init makes of the report.
      Promise.all(told)
        .catch((error: unknown) => log(`init was not told: ${errorMessage(error)}`))
        .then(() => {
          follow();
          fetcher.networkChanged();
        }, giveUp);
    },
  });
  refresh = () => {
    ask().then(
      (next) => {
        document = next;
        manager.set(document);
        fetcher.use(document.configUrl, true);
        follow();
      },
      (error: unknown) => log(`there is no new config: ${errorMessage(error)}`),
    );
  };
  refreshPods = () => {
    init.request('describePodRoutes', {}).then(
      ({ body }) => manager.setPodRoutes(body.routes),
      (error: unknown) => log(`it is not known where pods are: ${errorMessage(error)}`),
    );
  };
  // A node that goes down gives its addresses back; one whose networkd is only started again keeps them.
  process.on('SIGTERM', () => {
    manager.stop({ release: isGoingDown });
    process.exit(0);
  });
  manager.setPodRoutes((await init.request('describePodRoutes', {})).body.routes);
  follow();
  manager.start();
}

function writeNames(
  files: NameFiles,
  facts: {
    document: NetworkDocument;
    ip: IpParameter | undefined;
    manager: NetworkManager;
    interfaces: ReadonlyMap<string, NetworkFacts>;
  },
): void {
  const { document, ip, manager, interfaces } = facts;
  const addresses = [...interfaces.values()].flatMap(addressesOf);
  try {
    const kernelServers = ip?.kind === 'static' ? ip.dnsServers : [];
    const { leases, advertisedServers: advertised } = manager;
    const written = files.write({ document, leases, kernelServers, advertised, hostname: hostname(), addresses });
    if (written.length > 0) log(`wrote ${written.map((name) => `/etc/${name}`).join(' and ')}`);
  } catch (error) {
    log(`/etc/resolv.conf and /etc/hosts are not up to date: ${errorMessage(error)}`);
  }
}

function serversOf(document: NetworkDocument, ip: IpParameter | undefined, manager: NetworkManager): TimeServers {
  const kernel = ip?.kind === 'static' ? ip : { dnsServers: [], ntpServers: [] };
  const { leases, advertisedServers } = manager;
  const leased = leases.flatMap(({ ntpServers }) => ntpServers);
  const [servers = []] = [document.time.servers, leased, kernel.ntpServers].filter((list) => list.length > 0);
  // The resolver of Node forgets by which interface a link-local one is to be asked.
  const advertised = advertisedServers.filter((server) => !server.includes('%'));
  return {
    servers: document.time.isDisabled ? [] : servers,
    nameServers: nameServers({ document, leases, kernelServers: kernel.dnsServers, advertised }),
  };
}

/** Without the lengths of their networks. */
function addressesOf({ address, otherAddresses }: NetworkFacts): string[] {
  return [address, ...otherAddresses].filter((one) => one !== '').map((one) => one.replace(/\/.*/, ''));
}

/** Of the interface that had an address first, and what the node is called by now. */
function urlValues({ netlink }: NativeAddon, interfaces: ReadonlyMap<string, NetworkFacts>): UrlValues {
  const first = [...interfaces.values()].find((facts) => addressesOf(facts).length > 0);
  const mac = first && netlink.link.get(first.link)?.mac;
  return { hostname: hostname(), ...(mac && { mac }) };
}

/** What fetches a machine config is loaded by a node that has none. */
class LazyFetcher {
  private wanted: string | undefined;
  private fetcher: Promise<ConfigFetcher> | undefined;

  constructor(
    private readonly hasAddress: () => boolean,
    private readonly load: () => Promise<ConfigFetcher>,
  ) {}

  use(url: string | undefined, isNews = false): void {
    this.wanted = url;
    if (this.fetcher === undefined && (url === undefined || !this.hasAddress())) return;
    this.fetcher ??= this.load();
    this.fetcher.then((fetcher) => fetcher.use(this.wanted, isNews), giveUp);
  }

  networkChanged(): void {
    this.fetcher?.then((fetcher) => fetcher.networkChanged(), giveUp);
  }
}

/** What asks time servers is loaded when there are some. */
class LazyTimekeeper {
  private wanted: TimeServers = { servers: [], nameServers: [] };
  private keeper: Promise<Timekeeper> | undefined;

  constructor(
    private readonly native: Pick<NativeAddon, 'clock'>,
    private readonly stepped: (byMs: number, server: string) => void,
  ) {}

  use(wanted: TimeServers): void {
    this.wanted = wanted;
    if (wanted.servers.length === 0 && this.keeper === undefined) return;
    this.keeper ??= this.load();
    this.keeper.then((keeper) => keeper.use(this.wanted), giveUp);
  }

  private async load(): Promise<Timekeeper> {
    const [{ Timekeeper }, { querySntp }, { resolveName }] = await Promise.all([
      import('./clock/timekeeper.js'),
      import('../os/sntp.js'),
      import('../os/resolve-name.js'),
    ]);
    const { clock } = this.native;
    return new Timekeeper({ clock, ask: querySntp, resolve: resolveName, stepped: this.stepped, log });
  }
}

/** What PID 1 has found wrong with it is on the console already. */
function kernelParameter(): IpParameter | undefined {
  const text = readKernelCommandLine().get('ip');
  try {
    return text === undefined || text === '' ? undefined : parseIpParameter(text);
  } catch (error) {
    log(errorMessage(error));
    return undefined;
  }
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

/** PID 1 starts us again; the newest line of our log becomes part of our state, so the reason comes last. */
function giveUp(error: unknown): never {
  if (error instanceof Error && error.stack) process.stdout.write(`${error.stack}\n`);
  process.stdout.write(`networkd ends: ${errorMessage(error).split('\n')[0]}\n`);
  process.exit(1);
}
