/** PID 1. Carries what must be PID 1 and nothing else: mounts, cgroups, spawning and reaping, supervision, logs, power. */
import { errorMessage } from '../base/errors.js';
import { MIB } from '../base/units.js';
import { BUILD } from '../base/version.js';
import { ControlError } from '../control/errors.js';
import type { Service as ServiceInfo } from '../control/protocol.js';
import { ControlServer } from '../control/server.js';
import type { LogRing, NativeAddon, Watchdog } from '../native/contract.js';
import { loadNative } from '../native/index.js';
import type { CgroupTree } from '../os/cgroup-tree.js';
import { AddressBook } from './address-book.js';
import { ALLOW_LIST, MACHINED_ID, NETWORKD_ID } from './allow-list.js';
import { type BootContext, bootPhases } from './boot.js';
import { systemClock } from './clock.js';
import { controlHandlers } from './control-handlers.js';
import { INIT_ID } from './definition.js';
import { EventList } from './event-list.js';
import { exitEffects } from './exit-effects.js';
import { type ExitEffects, ExitFunnel } from './exit-funnel.js';
import { leadIntoFunnel } from './fatal-errors.js';
import { InitLog } from './log.js';
import { MachineStatus } from './machine-status.js';
import { NetworkReports } from './network-reports.js';
import { NetworkWishes, startOrTell } from './network-wishes.js';
import { NodeEvents } from './node-events.js';
import { NodeName } from './node-name.js';
import { type Phase, runPhases } from './phases.js';
import { PodRouteBook } from './pod-route-book.js';
import { watchReaper } from './reaper-watch.js';
import { ReportedServices } from './reported-services.js';
import { ServerBook } from './server-book.js';
import { ServiceGroup } from './service-group.js';
import { ServiceManager } from './service-manager.js';

/** What a test changes; a node has the defaults. */
export interface InitOptions {
  servicesFolder?: string;
  /** The phases of the boot, in place of those that need a machine of our own. */
  phases?: (context: BootContext) => Phase[];
  /** What the exit funnel does, in place of what would hurt a machine that is not ours. */
  effects?: (real: ExitEffects) => ExitEffects;
}

const SERVICES_FOLDER = '/usr/share/talos/services';
const RING_BYTES = MIB;

/** Runs PID 1. Resolves when the boot is over; what was started goes on until the exit funnel ends the machine. */
export async function main(options: InitOptions = {}): Promise<void> {
  const { servicesFolder = SERVICES_FOLDER, phases = bootPhases, effects = (all) => all } = options;
  const native = loadNative();
  const log = new InitLog(native.kmsg);
  const nodeEvents = new NodeEvents(systemClock);
  const { publish } = nodeEvents;
  const addresses = new AddressBook(publish);
  const status = new MachineStatus(publish, () => services?.problems() ?? []);
  const nodeName = new NodeName(native.power, (name) => addresses.setName(name));
  const network = new NetworkWishes(systemClock, () => startOrTell(services));
  let services: ServiceManager | undefined;
  let watchdog: Watchdog | undefined;
  const real = exitEffects(
    native,
    log,
    () => services,
    () => watchdog,
  );
  const funnel = new ExitFunnel(effects(real), log, systemClock, {
    publish,
    enterStage: (stage, actorId) => status.enter(stage, actorId),
  });
  leadIntoFunnel(funnel, log);
  try {
    const ownRing = native.ring.create({ name: INIT_ID, sizeBytes: RING_BYTES });
    log.keepIn(ownRing);
    const events = new EventList(systemClock);
    events.add('Started', 'Running');
    publish({ kind: 'sequence', name: 'boot', action: 'START', error: '' });
    status.enter('BOOTING');
    log.info(`init started: ${BUILD.tag}, Node ${process.version} on ${process.arch}`);
    native.process.startReaper({ subreaper: false });
    watchReaper(() => native.process.reaperStats(), log, systemClock);
    await runPhases(
      phases({
        native,
        log,
        servicesFolder,
        nodeName,
        network,
        addresses,
        startServices({ definitions, problems }, cgroups, { wanted, maxRestartDelayMs } = {}) {
          for (const problem of problems) log.error(problem);
          services = createServices({
            events,
            nodeEvents,
            native,
            log,
            funnel,
            ownRing,
            cgroups,
            nodeName,
            network,
            addresses,
            status,
            maxRestartDelayMs,
          });
          services.start(definitions, wanted);
        },
        goDown: (request) => void funnel.enter(request),
        keepWatchdog: (started) => {
          watchdog = started;
        },
      }),
      log,
      systemClock,
      publish,
    );
    events.add('Boot done', 'Running');
    publish({ kind: 'sequence', name: 'boot', action: 'STOP', error: '' });
    if (!funnel.isRunning) status.enter('RUNNING');
    log.info(`boot done (uptime ${(systemClock.monotonicMs() / 1000).toFixed(3)} s)`);
  } catch (error) {
    log.failure('critical', 'the boot failed', error);
    publish({ kind: 'sequence', name: 'boot', action: 'STOP', error: errorMessage(error) });
    void funnel.enter({ cause: 'fatal', action: 'restart', reason: errorMessage(error), force: false });
  }
}

interface ServicesContext {
  /** Of PID 1 itself. */
  events: EventList;
  nodeEvents: NodeEvents;
  native: NativeAddon;
  log: InitLog;
  funnel: ExitFunnel;
  ownRing: LogRing;
  cgroups: CgroupTree | undefined;
  nodeName: NodeName;
  network: NetworkWishes;
  addresses: AddressBook;
  status: MachineStatus;
  maxRestartDelayMs: number | undefined;
}

function createServices(context: ServicesContext): ServiceManager {
  const { events, nodeEvents, native, log, funnel, ownRing, cgroups, nodeName, network, addresses, status } = context;
  const { maxRestartDelayMs } = context;
  const servers = new ServerBook();
  const ownInfo = (): ServiceInfo => ({
    id: INIT_ID,
    state: 'Running',
    pid: process.pid,
    image: '/sbin/init',
    restarts: 0,
    lastLogLine: '',
    events: events.list(),
    lastChangeMs: events.lastChangeMs,
    healthUnknown: true,
    healthy: false,
    healthMessage: '',
  });
  const control = new ControlServer({
    channels: native.channel,
    allow: ALLOW_LIST,
    log: (text) => log.warning(text),
    // Called for requests only, which come from services, which come from the manager below.
    handlers: controlHandlers({
      native,
      services: () => manager,
      nodeName,
      network,
      podRoutes: new PodRouteBook(() => {
        manager.find(NETWORKD_ID).connection?.sendEvent({ kind: 'podRoutesWanted' });
      }),
      log,
      events: nodeEvents,
      servers,
      networkReports: new NetworkReports(log, nodeName, (facts) => {
        servers.lease(facts);
        const isNew = addresses.setAddresses(facts.link, [facts.address, ...facts.otherAddresses]);
        if (isNew) manager.tellAll({ kind: 'networkChanged', facts });
      }),
      // After the reply is out.
      goDown: (request) => setImmediate(() => void funnel.enter(request)),
    }),
  });
  const manager = new ServiceManager({
    context: {
      ...{ native, clock: systemClock, log, control, publish: nodeEvents.publish },
      ...(maxRestartDelayMs !== undefined && { maxRestartDelayMs }),
    },
    changed: () => status.look(),
    prepare: (definition) => ({
      ring: native.ring.create({ name: definition.id, sizeBytes: RING_BYTES }),
      group: cgroups && new ServiceGroup(definition, cgroups, native.cgroup, log),
    }),
    ownRing,
    ownInfo,
    reported: new ReportedServices({
      clock: systemClock,
      log,
      publish: nodeEvents.publish,
      makeRing: (id) => native.ring.create({ name: id, sizeBytes: RING_BYTES }),
      pipe: () => native.descriptor.pipe(),
      connect: (id) => {
        const [own, end] = native.channel.pair();
        return { connection: control.accept(own, id), end };
      },
      changed: () => status.look(),
    }),
    askForContainer: (id, action) => {
      const { connection } = manager.find(MACHINED_ID);
      if (!connection?.sendEvent({ kind: 'containerRequested', id, action })) {
        throw new ControlError('UNAVAILABLE', 'machined, which runs containers, does not run');
      }
    },
  });
  return manager;
}
