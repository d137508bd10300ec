import { ControlServer } from '../../../lib/control/server.js';
import { ALLOW_LIST } from '../../../lib/init/allow-list.js';
import { controlHandlers } from '../../../lib/init/control-handlers.js';
import { parseDefinition } from '../../../lib/init/definition.js';
import type { ExitRequest } from '../../../lib/init/exit-funnel.js';
import { NetworkReports } from '../../../lib/init/network-reports.js';
import { NetworkWishes, startOrTell } from '../../../lib/init/network-wishes.js';
import { NodeEvents } from '../../../lib/init/node-events.js';
import { NodeName } from '../../../lib/init/node-name.js';
import { PodRouteBook } from '../../../lib/init/pod-route-book.js';
import { ReportedServices } from '../../../lib/init/reported-services.js';
import { ServerBook } from '../../../lib/init/server-book.js';
import { ServiceManager } from '../../../lib/init/service-manager.js';
import type { KmsgModule, NativeAddon } from '../../../lib/native/contract.js';
import { FakeDescriptor } from '../control/fake-channel.js';
import { FakeClock } from './fake-clock.js';
import { FakeGroup, FakeNative, FakeRing } from './fake-native.js';
import { recordingLog } from './recording-log.js';

/** A supervisor over fakes, with services that are given by their fields. */
export function supervisor(services: Record<string, Record<string, unknown>>) {
  const native = new FakeNative();
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const rings = new Map<string, FakeRing>();
  const groups = new Map<string, FakeGroup>();
  const exits: ExitRequest[] = [];
  const hostnames: string[] = [];
  const ownRing = new FakeRing();
  const kmsg: Pick<KmsgModule, 'subscribe'> = { subscribe: (position) => new FakeDescriptor(`kmsg ${position}`) };
  const handlerNative = { channel: native.channel, kmsg } as unknown as NativeAddon;
  const events = new NodeEvents(clock);
  const network = new NetworkWishes(clock, () => startOrTell(manager));
  const nodeName = new NodeName({ setHostname: (name) => void hostnames.push(name) });
  const control = new ControlServer({
    channels: native.channel,
    handlers: controlHandlers({
      native: handlerNative,
      services: () => manager,
      nodeName,
      network,
      podRoutes: new PodRouteBook(() => {
        manager.find('networkd').connection?.sendEvent({ kind: 'podRoutesWanted' });
      }),
      log,
      events,
      servers: new ServerBook(),
      networkReports: new NetworkReports(log, nodeName, (facts) => manager.tellAll({ kind: 'networkChanged', facts })),
      goDown: (exit) => exits.push(exit),
    }),
    allow: ALLOW_LIST,
    log: (text) => log.warning(text),
  });
  const manager: ServiceManager = new ServiceManager({
    context: { native: native as unknown as NativeAddon, clock, log, control, publish: events.publish },
    prepare({ id }) {
      const ring = new FakeRing();
      const group = new FakeGroup(id);
      rings.set(id, ring);
      groups.set(id, group);
      return { ring, group };
    },
    ownRing,
    reported: new ReportedServices({
      clock,
      log,
      publish: events.publish,
      makeRing: (id) => {
        const ring = new FakeRing();
        rings.set(id, ring);
        return ring;
      },
      pipe: () => [new FakeDescriptor('reader'), new FakeDescriptor('writer')],
      connect: (id) => {
        const [own, end] = native.channel.pair();
        return { connection: control.accept(own, id), end };
      },
      changed: () => {},
    }),
    askForContainer: (id, action) => {
      manager.find('machined').connection?.sendEvent({ kind: 'containerRequested', id, action });
    },
    changed: () => {},
    ownInfo: () => ({
      id: 'init',
      state: 'Running',
      pid: 1,
      image: '/sbin/init',
      restarts: 0,
      lastLogLine: '',
      events: [],
      lastChangeMs: 0,
      healthUnknown: true,
      healthy: false,
      healthMessage: '',
    }),
  });
  const definitions = Object.entries(services)
    .map(([id, fields]) => parseDefinition(id, JSON.stringify({ id, file: `/bin/${id}`, ...fields })))
    .sort((a, b) => a.order - b.order);
  return { native, clock, lines, rings, groups, manager, definitions, exits, hostnames, network, ownRing, events };
}
