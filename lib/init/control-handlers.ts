import { encodeReply } from '../control/codec.js';
import { ControlError } from '../control/errors.js';
import { MAX_FRAME_BYTES, type PowerAction, type ReplyOf, type Service } from '../control/protocol.js';
import type { CallContext, HandlerResult, Handlers, ServerConnection } from '../control/server.js';
import type { LogRing, NativeAddon, RingSubscription } from '../native/contract.js';
import { hostnameProblem } from '../os/hostname.js';
import { CONNECTABLE, LOOKED_AFTER, OSD_ID } from './allow-list.js';
import type { ExitRequest } from './exit-funnel.js';
import type { InitLog } from './log.js';
import type { NetworkReports } from './network-reports.js';
import type { NetworkWishes } from './network-wishes.js';
import type { NodeEvents } from './node-events.js';
import type { NodeName } from './node-name.js';
import type { PodRouteBook } from './pod-route-book.js';
import type { ServerBook } from './server-book.js';
import type { ServiceManager } from './service-manager.js';

export interface HandlerContext {
  native: Pick<NativeAddon, 'channel' | 'kmsg'>;
  /** Asked for with each request: the manager needs the server, and the server these handlers. */
  services(): ServiceManager;
  nodeName: NodeName;
  networkReports: NetworkReports;
  network: NetworkWishes;
  podRoutes: PodRouteBook;
  log: Pick<InitLog, 'notice'>;
  events: NodeEvents;
  servers: ServerBook;
  /** Starts the way down, after the reply is out. */
  goDown(request: ExitRequest): void;
}

/** Followers of one connection; a client of osd's has one for each log that it follows. */
const MAX_SUBSCRIPTIONS = 256;
/** Of free text that the kernel log is to show. */
const MAX_REASON_CHARACTERS = 200;

/** What PID 1 does for its peers. Who may ask is said in allow-list.ts. */
export function controlHandlers(context: HandlerContext): Handlers {
  const { native, services, nodeName, networkReports, network, podRoutes, log, events, servers, goDown } = context;
  const subscriptions = new Subscriptions();
  return {
    listServices: () => ({ body: fitting(services().list()) }),
    controlService: async ({ id, action, untilEnded }, { peer }) => {
      if (peer !== OSD_ID) checkLooksAfter(peer, id);
      if (untilEnded && action !== 'STOP') {
        throw new ControlError('INVALID_ARGUMENT', `${action} is not over when a service has ended`);
      }
      const message = services().request(id, action);
      // Of a service of ours: one in a container is machined's to stop.
      if (untilEnded) await services().find(id).idle();
      return { body: { message } };
    },
    setServiceArguments: ({ id, arguments: list }, { peer }) => {
      checkLooksAfter(peer, id);
      services().find(id).setArguments(list);
      return { body: {} };
    },
    openLog: ({ id, follow }, { connection }) => subscriptions.open(connection, services().ring(id), follow),
    closeLog: ({ subscription }, { connection }) => {
      subscriptions.close(connection, subscription);
      return { body: {} };
    },
    openKmsg: ({ tail }) => ({ body: {}, descriptors: [native.kmsg.subscribe(tail ? 'end' : 'start')] }),
    power: ({ action, force, actorId, reason, drain, reset, disksToWipe, partitionsToWipe }, { peer }) => {
      const request = { action: POWER_ACTIONS[action], reason: describeAsker(peer, reason, actorId), force, drain };
      goDown({
        cause: 'asked',
        ...request,
        actorId: plain(actorId),
        ...(reset && { reset: { disks: disksToWipe, partitions: partitionsToWipe } }),
      });
      return { body: {} };
    },
    readEvents: ({ after }, { connection }) => ({ body: { events: events.read(connection, after) } }),
    reportHealth: ({ healthy, message, service }, { peer }) => {
      const id = service === '' ? peer : service;
      if (id !== peer) checkLooksAfter(peer, id);
      services().speaker(id).reportHealth(healthy, plain(message));
      return { body: {} };
    },
    reportConfig: ({ outcome, problem, timeServers, nameServers }, { peer }) => {
      const isAccepted = outcome === 'ACCEPTED';
      if (isAccepted) servers.configure({ timeServers, nameServers });
      else events.publish({ kind: CONFIG_PROBLEMS[outcome], error: plain(problem) });
      services()
        .find(peer)
        .reportHealth(isAccepted, isAccepted ? 'The machine config was accepted' : plain(problem));
      return { body: {} };
    },
    reportVolumes: () => {
      services().volumesReady();
      return { body: {} };
    },
    reportContainer: (report) => {
      services().reported.take({ ...report, image: plain(report.image), message: plain(report.message) });
      return { body: {} };
    },
    openContainerLog: ({ id }) => ({ body: {}, descriptors: services().reported.openLog(id) }),
    openContainerControl: ({ id }) => ({ body: {}, descriptors: [services().reported.openControl(id)] }),
    describeTime: () => ({ body: servers.facts }),
    setHostname: ({ hostname }) => {
      if (hostname === '') {
        nodeName.clear('config');
        return { body: {} };
      }
      const problem = hostnameProblem(hostname);
      if (problem !== undefined) throw new ControlError('INVALID_ARGUMENT', problem);
      nodeName.set('config', hostname);
      return { body: {} };
    },
    setNetwork: ({ document, isUrgent }) => {
      network.set(document, isUrgent);
      return { body: {} };
    },
    describeNetwork: () => ({ body: { document: network.document } }),
    setPodRoutes: ({ routes }) => {
      podRoutes.set(routes);
      return { body: {} };
    },
    describePodRoutes: () => ({ body: { routes: podRoutes.routes } }),
    reportClock: ({ steppedMs, server }) => {
      const [amount, direction] = [Math.abs(steppedMs) / 1000, steppedMs < 0 ? 'back' : 'forward'];
      log.notice(
        `the clock was set ${direction} by ${amount} s, as ${plain(server)} says: ${new Date().toISOString()}`,
      );
      services().tellAll({ kind: 'clockStepped' });
      return { body: {} };
    },
    reportNetwork: ({ facts }) => {
      networkReports.take(facts);
      return { body: {} };
    },
    reportListening: ({ port }, { peer }) => {
      services().speaker(peer).reportListening(port);
      services().tellAll({ kind: 'listening', peer });
      if (peer === OSD_ID) network.listening();
      return { body: {} };
    },
    reportMaintenance: ({ port }, { peer }) => {
      const message = `In maintenance mode on port ${port}: there is no machine config`;
      services().find(peer).reportHealth(false, message);
      log.notice(`${peer}: ${message}`);
      services().tellAll({ kind: 'listening', peer });
      return { body: {} };
    },
    connect: ({ peer }, context) => connect(native, services(), peer, context),
  };
}

const POWER_ACTIONS: Record<PowerAction, ExitRequest['action']> = { REBOOT: 'restart', SHUTDOWN: 'power-off' };

const CONFIG_PROBLEMS = { NOT_LOADED: 'config-not-loaded', NOT_VALID: 'config-not-valid' } as const;

function checkLooksAfter(peer: string, id: string): void {
  if (!LOOKED_AFTER[peer]?.includes(id)) {
    throw new ControlError('PERMISSION_DENIED', `${peer} does not look after ${plain(id)}`);
  }
}

function describeAsker(peer: string, reason: string, actorId: string): string {
  const actor = actorId === '' ? '' : ` (actor ${plain(actorId)})`;
  return `asked by ${peer}${reason === '' ? '' : `: ${plain(reason)}`}${actor}`;
}

/** What another process says, on its way to the kernel log and to whoever follows the node. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON_CHARACTERS);
}

/** Drops the oldest events of every service until the reply fits a frame. */
function fitting(services: Service[]): ReplyOf<'listServices'> {
  for (let kept = 64; kept > 0; kept = Math.floor(kept / 2)) {
    const body = { services: services.map((service) => ({ ...service, events: service.events.slice(-kept) })) };
    if (encodeReply(1, 'listServices', body).length <= MAX_FRAME_BYTES - 16) return body;
  }
  return { services: services.map((service) => ({ ...service, events: [] })) };
}

/** Makes a connection between the asker and the peer it names: each gets an end, the peer with the asker's id. */
function connect(
  native: Pick<NativeAddon, 'channel'>,
  services: ServiceManager,
  peer: string,
  { peer: asker }: CallContext,
): HandlerResult<'connect'> {
  if (!CONNECTABLE[asker]?.includes(peer)) {
    throw new ControlError('PERMISSION_DENIED', `${asker} may not be connected to ${peer}`);
  }
  // One in a container that was never started is not known.
  const connection = (services.reported.get(peer) ?? services.find(peer)).connection;
  if (!connection) throw new ControlError('UNAVAILABLE', `${peer} does not run`);
  const [askersEnd, peersEnd] = native.channel.pair();
  try {
    if (!connection.sendEvent({ kind: 'peerConnected', peer: asker }, [peersEnd])) {
      askersEnd.close();
      throw new ControlError('UNAVAILABLE', `${peer} does not listen`);
    }
  } finally {
    peersEnd.close();
  }
  return { body: {}, descriptors: [askersEnd] };
}

/** Who follows which log, so that a connection's doorbells end with it. */
class Subscriptions {
  private readonly byConnection = new Map<ServerConnection, Map<number, RingSubscription>>();
  private nextId = 1;

  open(connection: ServerConnection, ring: LogRing, follow: boolean): HandlerResult<'openLog'> {
    const own = this.of(connection);
    if (follow && own.size >= MAX_SUBSCRIPTIONS) {
      throw new ControlError('RESOURCE_EXHAUSTED', `more than ${MAX_SUBSCRIPTIONS} logs are followed`);
    }
    const subscription = ring.subscribe();
    const { memory, doorbell } = subscription;
    if (!follow) {
      subscription.end();
      doorbell.close();
      return { body: { subscription: 0 }, descriptors: [memory] };
    }
    const number = this.nextId++;
    own.set(number, subscription);
    return { body: { subscription: number }, descriptors: [memory, doorbell] };
  }

  /** One that is not there (any more) is not an error: the reader may have been overtaken by a restart. */
  close(connection: ServerConnection, number: number): void {
    const own = this.of(connection);
    own.get(number)?.end();
    own.delete(number);
  }

  private of(connection: ServerConnection): Map<number, RingSubscription> {
    const known = this.byConnection.get(connection);
    if (known) return known;
    const own = new Map<number, RingSubscription>();
    this.byConnection.set(connection, own);
    connection.onClose(() => {
      for (const subscription of own.values()) subscription.end();
      this.byConnection.delete(connection);
    });
    return own;
  }
}
