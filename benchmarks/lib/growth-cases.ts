/** What growth.ts measures: for each kind of thing what one round over `size` of them costs, in microseconds of CPU time. Runs in a process of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MachineClient, MachineService } from '../../lib/client/index.js';
import { loadNative } from '../../lib/native/index.js';
import { cpuMicroseconds } from './cpu-seconds.js';
import { type Many, manyCgroups, manyMounts, manyRoutes } from './many.js';
import { OsdNode } from './osd-node.js';

export interface GrowthCase {
  /** What a round is. */
  readonly what: string;
  readonly sizes: readonly number[];
  /** Options of unshare(1). */
  readonly namespaces?: readonly string[];
  measure(size: number): Promise<number>;
}

const WARM_UP_ROUNDS = 5;
/** Rounds go on for that long, and there are at least {@link LEAST_ROUNDS}. */
const MEASURED_MS = 300;
const LEAST_ROUNDS = 5;

/** CPU time of a round, of this process or of another. */
async function costOf(round: () => void | Promise<void>, cpuUs: () => number): Promise<number> {
  for (let count = 0; count < WARM_UP_ROUNDS; count++) await round();
  const [before, end] = [cpuUs(), performance.now() + MEASURED_MS];
  let rounds = 0;
  for (; rounds < LEAST_ROUNDS || performance.now() < end; rounds++) await round();
  return (cpuUs() - before) / rounds;
}

function ownCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function costOfMany(many: Many): Promise<number> {
  try {
    return await costOf(many.round, ownCpuUs);
  } finally {
    await many.end();
  }
}

/** A client of a node, as osctl has one. */
function clientOf(node: OsdNode): MachineClient {
  const read = (name: string) => readFileSync(join(node.folder, name), 'utf8');
  const credentials = { ca: read('ca.crt'), crt: read('client.crt'), key: read('client.key') };
  return new MachineClient({ endpoints: [`127.0.0.1:${node.port}`], credentials });
}

/** What a node spends on rounds of calls. */
async function costOfCalls(
  node: OsdNode,
  clients: readonly MachineClient[],
  round: () => Promise<void>,
): Promise<number> {
  try {
    return await costOf(round, () => cpuMicroseconds(node.pid));
  } finally {
    for (const client of clients) client.close();
    await node.stop();
  }
}

const SMALL_RING_BYTES = 4096;
const LINE_BYTES = 100;
/** What a record takes beside its text, at most. */
const RECORD_HEAD_BYTES = 60;

export const GROWTH_CASES: Readonly<Record<string, GrowthCase>> = {
  mounts: {
    what: 'the table of mounts, as objects',
    sizes: [30, 100, 300, 1000, 3000],
    namespaces: ['--mount'],
    measure: (size) => costOfMany(manyMounts(loadNative().mount, size)),
  },
  routes: {
    what: 'the list of routes, as objects',
    sizes: [30, 100, 300, 1000, 3000, 10_000],
    namespaces: ['--net'],
    measure: (size) => costOfMany(manyRoutes(loadNative().netlink, size)),
  },
  cgroups: {
    what: 'CPU statistics of control groups',
    sizes: [10, 30, 100, 300],
    namespaces: ['--mount'],
    measure: (size) => costOfMany(manyCgroups(loadNative(), size)),
  },
  services: {
    what: 'the list of services, in osd',
    sizes: [1, 10, 50, 200, 500],
    async measure(size) {
      const names = Array.from({ length: size }, (_, number) => `service-${number}`);
      const node = await OsdNode.start(Object.fromEntries(names.map((name) => [name, SMALL_RING_BYTES])));
      const client = clientOf(node);
      return await costOfCalls(node, [client], async () => {
        const { messages } = await client.unary(MachineService.ServiceList, {});
        if (messages?.[0]?.services?.length !== size) throw new Error('services are missing');
      });
    },
  },
  clients: {
    what: 'a call of each client over its own connection, in osd',
    // osd takes a burst of 50 connections of one address.
    sizes: [1, 4, 16, 40],
    async measure(size) {
      const node = await OsdNode.start({});
      const clients = Array.from({ length: size }, () => clientOf(node));
      return await costOfCalls(node, clients, async () => {
        for (const client of clients) {
          const { messages } = await client.unary(MachineService.Version, {});
          if (messages?.length !== 1) throw new Error('no answer');
        }
      });
    },
  },
  lines: {
    what: 'a log of lines of 100 bytes, in osd',
    sizes: [1000, 10_000, 100_000, 300_000],
    async measure(size) {
      const ringBytes = 2 ** Math.ceil(Math.log2(size * (LINE_BYTES + RECORD_HEAD_BYTES) + SMALL_RING_BYTES));
      const node = await OsdNode.start({ log: ringBytes });
      const file = join(node.folder, 'lines');
      const line = (number: number) => `${String(number).padStart(LINE_BYTES - 1, '.')}\n`;
      writeFileSync(file, Array.from({ length: size }, (_, number) => line(number)).join(''));
      await node.fill('log', ['/bin/cat', file]);
      const client = clientOf(node);
      return await costOfCalls(node, [client], async () => {
        let bytes = 0;
        const request = { namespace: 'system', id: 'log', tailLines: -1 };
        for await (const batch of client.stream(MachineService.Logs, request)) {
          for (const message of batch) bytes += message.bytes?.length ?? 0;
        }
        if (bytes !== size * LINE_BYTES) throw new Error(`${bytes} bytes of ${size} lines`);
      });
    },
  },
};
