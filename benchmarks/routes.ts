/**
 * What does a list of 10,000 IPv4 routes cost, from the call to an array of objects?
 *
 * Rival: `ip -j route`, started and its output parsed (what a Node program does without an addon). For orientation also the same
 * process alone, without parsing, since its start is most of what a program without an addon pays for small tables.
 * What would change our mind: less than three times as fast; then the module is not worth its code.
 *
 * Each sample is a fresh process in a network namespace of its own (unshare), so the machine's own tables are neither touched nor
 * listed. It makes the routes, does three rounds that do not count, and gives the median of 15. The first list is compared with ip(8)'s:
 * all fields of all routes have to agree. Needs root, iproute2 and veth interfaces.
 *
 * Usage: npm run bench -- routes [--samples N] [--routes N]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import type { Route } from '../lib/native/contract.js';
import { loadNative } from '../lib/native/index.js';
import { countOf } from './lib/count-of.js';
import { type Measurement, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    routes: { type: 'string', default: '10000' },
    case: { type: 'string' },
  },
});
const routeCount = countOf('routes', values.routes);
const WARM_UP_ROUNDS = 3;
const ROUNDS = 15;
const MAIN_TABLE = 254;
// The output of ten thousand routes is 1.2 MB.
const MAX_OUTPUT_BYTES = 1 << 28;

const { netlink } = loadNative();

type IpRoute = Record<string, unknown>;

const ip = (...words: string[]) => execFileSync('ip', words, { maxBuffer: MAX_OUTPUT_BYTES });

const listNatively = () => netlink.route.list({ family: 'inet', table: MAIN_TABLE });
const listByIp = () => JSON.parse(ip('-j', 'route').toString()) as IpRoute[];

/** One round of each contestant; the number of routes it saw. */
const contestants: Record<string, () => number> = {
  'native route.list()': () => listNatively().length,
  'ip -j route, and JSON.parse': () => listByIp().length,
  'ip -j route, output not parsed': () => (ip('-j', 'route').length > routeCount * 50 ? routeCount + 1 : 0),
};

/** Routes with gateways, metrics, sources and protocols of several kinds, as a router's or a large cluster's. */
function makeRoutes(): void {
  const index = netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' }, isUp: true });
  netlink.link.set(netlink.link.get('veth1')?.index ?? 0, { isUp: true });
  netlink.address.add({ index, address: '10.0.0.1/16' });
  const lines = Array.from({ length: routeCount }, (_, number) => {
    const destination = `${20 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}.0/24`;
    const gateway = `10.0.${number % 200}.${1 + (number % 250)}`;
    const metric = number % 3 === 0 ? ` metric ${100 + number}` : '';
    const source = number % 5 === 0 ? ' src 10.0.0.1' : '';
    return `route add ${destination} via ${gateway} proto ${['static', 'dhcp', 'boot'][number % 3]}${metric}${source}`;
  });
  execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') });
}

/** What `ip -j route` prints of a route of the main table. */
function asIpRoute(route: Route): IpRoute {
  const { destination, gateway, protocol, scope, preferredSource, priority, flags } = route;
  return {
    dst: destination,
    ...(gateway === undefined ? {} : { gateway }),
    dev: 'veth0',
    // ip(8) leaves out what it takes for the usual.
    ...(protocol === 'boot' ? {} : { protocol }),
    ...(scope === 'global' ? {} : { scope }),
    ...(preferredSource === undefined ? {} : { prefsrc: preferredSource }),
    ...(priority === undefined ? {} : { metric: priority }),
    flags: [...flags],
  };
}

function checkThatBothAgree(): void {
  const ours = listNatively().map(asIpRoute);
  const theirs = listByIp();
  if (ours.length !== routeCount + 1) throw new Error(`${ours.length} routes`);
  const position = ours.findIndex((route, place) => !isDeepStrictEqual(route, theirs[place]));
  if (position !== -1 || ours.length !== theirs.length) {
    const [left, right] = [ours[position], theirs[position]].map((route) => JSON.stringify(route));
    throw new Error(`route ${position} is ${left}, by ip(8) ${right}`);
  }
}

/** Runs in a process and a network of its own; prints milliseconds. */
function sample(name: string): void {
  const round = contestants[name];
  if (round === undefined) throw new Error(`no case ${name}`);
  makeRoutes();
  checkThatBothAgree();
  const times: number[] = [];
  for (let number = 0; number < WARM_UP_ROUNDS + ROUNDS; number++) {
    const startedMs = performance.now();
    const count = round();
    if (number >= WARM_UP_ROUNDS) times.push(performance.now() - startedMs);
    // The network's own route is one of them.
    if (count !== routeCount + 1) throw new Error(`${count} routes`);
  }
  times.sort((left, right) => left - right);
  process.stdout.write(`${quantile(times, 0.5)}\n`);
}

async function measure(): Promise<void> {
  const measurements: Measurement[] = Object.keys(contestants).map((name) => ({ name, unit: 'ms', samples: [] }));
  // In turn, so that whatever else the machine does meets all of them.
  for (let number = 0; number < countOf('samples', values.samples); number++) {
    for (const { name, samples } of measurements) {
      const argv = [process.execPath, fileURLToPath(import.meta.url), '--case', name, '--routes', values.routes];
      samples.push(Number(execFileSync('unshare', ['--net', ...argv], { encoding: 'utf8' })));
    }
  }
  await publish({
    benchmark: 'routes',
    question: `milliseconds for a list of ${routeCount} IPv4 routes as objects`,
    parameters: { routes: routeCount, rounds: ROUNDS },
    measurements,
  });
  const [ours, theirs] = measurements.map(({ samples }) =>
    quantile(
      [...samples].sort((a, b) => a - b),
      0.5,
    ),
  );
  process.stderr.write(
    `native is ${((theirs ?? 0) / (ours ?? 1)).toFixed(1)} x as fast as ip -j route (budget: 3 x)\n`,
  );
}

if (values.case === undefined) await measure();
else sample(values.case);
