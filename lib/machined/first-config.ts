/**
 * The first machine config of a boot, wherever it comes from: STATE, the config disk, the place that the kernel command line names, or whoever brings
 * one to a node in maintenance mode. The first good one is taken; from then on none is offered any more.
 */
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, TalosError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import { shownUrl } from '../base/shown-url.js';
import { SECOND_MS } from '../base/units.js';
import { type ConfigSource, parseConfigSource } from '../config/config-source.js';
import { encodeNetworkDocument, waitingNetwork } from '../config/network-document.js';
import { MAX_CONFIG_BYTES } from '../config/size.js';
import { variablesOf, withValues } from '../config/url-variables.js';
import type { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { RequestOf } from '../control/protocol.js';
import type { CallContext, HandlerResult } from '../control/server.js';
import type { FilesModule, NetlinkModule } from '../native/contract.js';
import { type MachineNames, machineNames } from '../os/machine-names.js';
import { type ConfigDiskAccess, readConfigDisk } from './config-disk.js';
import type { ConfigStore } from './config-store.js';
import { type FoundConfig, findConfig, shortened } from './find-config.js';
import { type LoadedConfig, loadConfig } from './load-config.js';
import type { MachinedLog } from './log.js';
import type { Maintenance } from './maintenance.js';
import type { IdentityHolder } from './node-identity.js';
import type { Uploads } from './queries/uploads.js';
import type { Volumes } from './volumes/volumes.js';

export interface FirstConfigOptions {
  /** Value of `talos.config=`. */
  parameter: string | undefined;
  /** What the firmware calls this machine. */
  names?(): Promise<MachineNames>;
  netlink: Pick<NetlinkModule, 'monitorUevents'>;
  files: Pick<FilesModule, 'openRoot' | 'readFile'>;
  disk: ConfigDiskAccess;
  volumes: Pick<Volumes, 'openState'>;
  store: Pick<ConfigStore, 'state' | 'takenFromDisk' | 'brought'>;
  identity: Pick<IdentityHolder, 'setMissing'>;
  maintenance: Pick<Maintenance, 'missed' | 'end'>;
  uploads: Uploads;
  init(): Pick<ControlClient, 'request'>;
  log: Pick<MachinedLog, 'info' | 'problem'>;
  /** Until PID 1 is asked for the network again; it is busy when it did not answer. */
  networkRetryMs?: number;
}

const NETWORK_RETRY_MS = 5 * SECOND_MS;

type Found = { found: LoadedConfig; source: string };

export class FirstConfig {
  private source: ConfigSource | undefined;
  private readonly searching = new AbortController();
  private isSearching = false;
  private isNetworkAsked = false;
  private lastProblem = '';
  private take!: (found: Found) => void;
  private readonly taken = new Promise<Found>((resolve) => {
    this.take = resolve;
  });

  constructor(private readonly options: FirstConfigOptions) {
    this.source = parseConfigSource(options.parameter);
  }

  /** However long it takes. @param mountPoint  of the config disk */
  async find(mountPoint: string): Promise<Found> {
    const { options } = this;
    const { volumes, store, disk, log } = options;
    this.isSearching = true;
    this.source = await named(this.source, options.names ?? machineNames);
    const { source } = this;
    if (source?.kind === 'unsupported') log.problem(source.why);
    await mkdir(mountPoint, { recursive: true, mode: 0o700 });
    const search = findConfig({
      netlink: options.netlink,
      readDisk: () => readConfigDisk(disk),
      openState: async () => {
        const problem = await volumes.openState();
        // It may be that of an owner: not as if there were none.
        if (problem !== undefined) throw new Error(problem);
        return store.state;
      },
      file: source?.kind === 'file' ? { path: source.path, read: () => this.readFile(source.path) } : undefined,
      meanwhile: source?.kind === 'url' ? `it is fetched from ${shownUrl(source.url)}` : undefined,
      waiting: (why, outcome) => this.waiting(why, outcome),
      missed: (isEmpty) => this.missed(isEmpty),
      passedOver: (why) => log.problem(why),
      signal: this.searching.signal,
    });
    search.then(
      (found) => this.found(found),
      (error: unknown) => {
        if (!this.searching.signal.aborted) throw error;
      },
    );
    return await this.taken;
  }

  /**
   * Serves OfferConfig.
   * @throws ControlError INVALID_ARGUMENT  all that is wrong with it · FAILED_PRECONDITION  the node has one
   */
  offer(request: RequestOf<'offerConfig'>, { connection, peer }: CallContext): HandlerResult<'offerConfig'> {
    const { log, store, uploads } = this.options;
    const data = uploads.requestOf(connection, { request: request.data, upload: request.upload });
    if (!this.isSearching) throw new ControlError('FAILED_PRECONDITION', 'this node has a machine config already');
    if (request.problem !== '') {
      this.waiting(`no machine config yet: ${shortened(printable(request.problem))}; it is tried again`, 'NOT_LOADED');
      return { body: { warnings: [] } };
    }
    const text = textOf(data);
    const found = this.load(text, request.source, peer);
    if (request.isDryRun) return { body: { warnings: found.warnings } };
    log.info(`a machine config was brought: ${request.source}`);
    store.brought(text);
    this.end({ found, source: request.source });
    return { body: { warnings: found.warnings } };
  }

  private load(text: string, source: string, peer: string): LoadedConfig {
    try {
      return loadConfig(text);
    } catch (error) {
      if (!(error instanceof TalosError)) throw error;
      // Whoever brings one is told; nobody is at the other end of what networkd has fetched.
      if (peer === 'networkd')
        this.waiting(
          `the machine config of ${source} cannot be used: ${shortened(error.message)}; it is tried again`,
          'NOT_VALID',
        );
      throw new ControlError('INVALID_ARGUMENT', error.message, { cause: error });
    }
  }

  private found({ config, source, diskText }: FoundConfig): void {
    if (!this.isSearching) return;
    const { store } = this.options;
    if (source === 'the config disk' && diskText !== undefined) store.takenFromDisk(diskText);
    else if (source !== 'STATE') store.brought(config.text);
    this.end({ found: config, source });
  }

  private end(found: Found): void {
    this.isSearching = false;
    this.searching.abort();
    this.options.maintenance.end();
    this.take(found);
  }

  private waiting(why: string, outcome: 'NOT_LOADED' | 'NOT_VALID'): void {
    const { identity, log, init } = this.options;
    if (why === this.lastProblem) return;
    this.lastProblem = why;
    identity.setMissing(why);
    log.problem(why);
    init()
      .request('reportConfig', { outcome, problem: why, timeServers: [], nameServers: [] })
      .catch((error) => log.info(`init was not told: ${errorMessage(error)}`));
  }

  /** Then it has to come over the network; with a URL from there and nowhere else. */
  private missed(isEmpty: boolean): void {
    const { maintenance } = this.options;
    const url = this.source?.kind === 'url' ? this.source.url : undefined;
    if (url === undefined) maintenance.missed(isEmpty);
    if (this.isNetworkAsked || (url === undefined && !isEmpty)) return;
    this.isNetworkAsked = true;
    void this.askForNetwork(encodeNetworkDocument(waitingNetwork(url)));
  }

  /** Until it was taken, or there is a config: without a network none ever comes. Never rejects. */
  private async askForNetwork(document: Uint8Array): Promise<void> {
    const { signal } = this.searching;
    const { init, log, networkRetryMs = NETWORK_RETRY_MS } = this.options;
    while (!signal.aborted) {
      try {
        await init().request('setNetwork', { document, isUrgent: true });
        return;
      } catch (error) {
        log.problem(`the network was not asked for: ${errorMessage(error)}; it is tried again`);
      }
      await sleep(networkRetryMs, undefined, { signal }).catch(() => {});
    }
  }

  private async readFile(path: string): Promise<string> {
    const { files } = this.options;
    const root = await files.openRoot(dirname(path));
    try {
      return (await files.readFile(root, basename(path), { maxBytes: MAX_CONFIG_BYTES })).toString('utf8');
    } finally {
      root.close();
    }
  }
}

/** With the machine's own names in the URL; networkd, which knows those of the network, may not read them. */
async function named(
  source: ConfigSource | undefined,
  names: () => Promise<MachineNames>,
): Promise<ConfigSource | undefined> {
  if (source?.kind !== 'url') return source;
  const wanted = variablesOf(source.url).filter((name) => name === 'uuid' || name === 'serial');
  if (wanted.length === 0) return source;
  const known = await names();
  const missing = wanted.filter((name) => known[name] === undefined).map((name) => `\${${name}}`);
  if (missing.length > 0) {
    const why = `talos.config= is not supported with ${missing.join(' and ')} here: the firmware of this machine does not say it`;
    return { kind: 'unsupported', why };
  }
  return { kind: 'url', url: withValues(source.url, known) };
}

function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch (cause) {
    throw new ControlError('INVALID_ARGUMENT', 'the machine config is not text in UTF-8', { cause });
  }
}
