import { osd } from '../../gen/machine/machine.js';
import { NetworkServiceDefinition as api } from '../../gen/machine/service.js';
import type { Link, Route } from '../../native/contract.js';
import { originOfAddress, originOfRoute } from '../../os/route-origin.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const MAIN_TABLE = 254;

/** Calls about interfaces and routes. */
export function networkQueries({ native: { netlink } }: QuerySources) {
  return {
    ...unary(api.Interfaces, osd.Interfaces, () => {
      const links = netlink.link.list();
      const addresses = netlink.address.list();
      const name = nameOf(links);
      return {
        interfaces: links.map(({ index, name: own, kind, mac, mtu, isUp, hasCarrier, master }) => ({
          ...{ index, name: own, kind: kind ?? '', hardwareAddress: mac, mtu, up: isUp, carrier: hasCarrier },
          master: name(master),
          addresses: addresses
            .filter((one) => one.index === index)
            .map((one) => ({
              address: one.address,
              scope: String(one.scope),
              source: originOfAddress(one),
              validSeconds: one.validLifetimeSec ?? 0,
              flags: one.flags.filter((flag) => flag !== 'permanent'),
            })),
        })),
      };
    }),
    ...unary(api.Routes, osd.Routes, ({ all }) => {
      const name = nameOf(netlink.link.list());
      const routes = netlink.route.list(all ? {} : { table: MAIN_TABLE });
      return { routes: routes.map((route) => view(route, name)) };
    }),
  };
}

function nameOf(links: readonly Link[]): (index: number | undefined) => string {
  const names = new Map(links.map(({ index, name }) => [index, name]));
  return (index) => (index === undefined ? '' : (names.get(index) ?? String(index)));
}

function view(route: Route, name: (index: number | undefined) => string): osd.Route.$Properties {
  return {
    destination: route.destination === 'default' && route.family === 'inet6' ? '::/0' : route.destination,
    gateway: route.gateway ?? '',
    interface: name(route.index),
    source: route.preferredSource ?? '',
    metric: route.priority ?? 0,
    table: route.table,
    protocol: originOfRoute(route.protocol),
    type: String(route.type),
    mtu: route.mtu ?? 0,
    nextHops: (route.nextHops ?? []).map(({ gateway = '', index, weight }) => ({
      gateway,
      interface: name(index),
      weight,
    })),
  };
}
