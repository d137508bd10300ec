/**
 * How long does a unary call of the machine API take, how many of them are there a second, and what do they cost?
 *
 * The real osd, under the Node of the image, with its own limits, is called by the client that osctl uses, in a fresh process each turn: on new connections,
 * the whole handshake included; one call after the other on one connection; then many at once, over one connection and over four.
 * Version is answered by osd alone; for ServiceList it asks init, which this process plays.
 *
 * Rival: a grpc-go server of Debian trixie with the same answers over the same certificates, called by the same client. It encodes its answer for each call,
 * and has no certificate to look up, no roles, no limits, no log with a line a call, and nobody to ask: less work than ours.
 * What would change our mind: a median call above twice the rival's, or less than half of its calls a second. There is no budget yet.
 *
 * Loads are below the limits of osd (lib/osd/limits.ts), and a refused call fails the run: a turn makes 27 connections, of the 50 that an address may make
 * at once; 64 calls are under way, of 160 a connection and 256 a client. The fair share makes nobody wait who is alone, as this client is; but of one
 * client 16 calls are looked at in a turn of the loop (lib/osd/fair-share.ts), which bounds what is gained by many at once.
 * One client takes about as much CPU time as a server, so calls a second are also a measure of the client; CPU time a call is not.
 *
 * Contestants take turns. Every answer is compared with the expected bytes.
 *
 * Usage: npm run bench -- api [--samples N] [--calls N] [--load-calls N] [--under-way N]
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { MachineClient, MachineService } from '../lib/client/index.js';
import { apiMeasurements, apiRatios, OURS, RIVAL } from './lib/api-results.js';
import { API_METHODS, type ApiMethod, type ApiTurn, type ApiTurnOptions } from './lib/api-turn.js';
import { countOf } from './lib/count-of.js';
import { grpcRival, startAnsweringRival } from './lib/grpc-rival.js';
import { OsdNode } from './lib/osd-node.js';
import { publish } from './lib/report.js';

/** What a node without Kubernetes lists. */
const SERVICES = ['blockd', 'containerd', 'init', 'machined', 'networkd', 'osd', 'proxyd', 'trustd'];
const SMALL_RING_BYTES = 4096;
const SERVICE = 'machine.MachineService';
const NEW_CONNECTIONS = 20;
const CONNECTIONS = [1, 4];

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    calls: { type: 'string', default: '500' },
    'load-calls': { type: 'string', default: '2000' },
    'under-way': { type: 'string', default: '64' },
  },
});
const numberOf = (name: keyof typeof values): number => countOf(name, values[name]);
const samples = numberOf('samples');
const load = { calls: numberOf('calls'), loadCalls: numberOf('load-calls'), underWay: numberOf('under-way') };

/** What osd answers, encoded; kept where its credentials are, by the name of the method. */
async function recordAnswers({ folder, port }: OsdNode): Promise<string[]> {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const credentials = { ca: read('ca.crt'), crt: read('client.crt'), key: read('client.key') };
  const client = new MachineClient({ endpoints: [`127.0.0.1:${port}`], credentials });
  const files: string[] = [];
  for (const name of API_METHODS) {
    const { path, requestSerialize, responseDeserialize } = MachineService[name];
    if (path !== `/${SERVICE}/${name}`) throw new Error(`${name} is called as ${path}`);
    const answer = await client.unary({ path, requestSerialize, responseDeserialize: (bytes: Buffer) => bytes }, {});
    check(name, responseDeserialize(answer));
    files.push(join(folder, name));
    await writeFile(join(folder, name), answer);
  }
  client.close();
  return files;
}

/** The answer that all others are compared with is a right one. */
function check(name: ApiMethod, { messages }: { messages?: unknown[] | null }): void {
  const { version, services } = (messages?.[0] ?? {}) as { version?: { tag: string }; services?: { id: string }[] };
  const ids = services?.map(({ id }) => id).sort();
  const isRight = name === 'Version' ? /^v\d/.test(version?.tag ?? '') : String(ids) === String(SERVICES);
  if (!isRight) throw new Error(`${name} said ${JSON.stringify(messages)}`);
}

async function turn(options: ApiTurnOptions): Promise<ApiTurn> {
  const argv = [join(import.meta.dirname, 'lib/api-load.js'), JSON.stringify(options)];
  return JSON.parse((await promisify(execFile)(process.execPath, argv)).stdout) as ApiTurn;
}

const program = await grpcRival();
const node = await OsdNode.start(Object.fromEntries(SERVICES.map((name) => [name, SMALL_RING_BYTES])));
const turns = new Map<string, ApiTurn[]>();
try {
  const rival = await startAnsweringRival(program, node.folder, SERVICE, await recordAnswers(node));
  try {
    const { folder } = node;
    const common = { folder, newConnections: NEW_CONNECTIONS, connections: CONNECTIONS, ...load };
    // One turn of each that does not count: what the servers compile and map at first.
    for (let number = -1; number < samples; number++) {
      for (const method of API_METHODS) {
        for (const [name, { port, pid }] of [[OURS, node] as const, [RIVAL, rival] as const]) {
          const taken = await turn({ ...common, method, port, pid });
          const key = `${name}, ${method}`;
          if (number >= 0) turns.set(key, [...(turns.get(key) ?? []), taken]);
        }
      }
      process.stderr.write(`${number + 1}/${samples}\n`);
    }
  } finally {
    await rival.stop();
  }
} finally {
  await node.stop();
}

await publish({
  benchmark: 'api',
  question: 'unary calls of the machine API over mutual TLS',
  parameters: {
    samples,
    ...load,
    newConnections: NEW_CONNECTIONS,
    services: SERVICES.length,
    rival: 'grpc-go of Debian trixie with the same answers, called by the same client',
  },
  measurements: apiMeasurements(turns),
  ratios: apiRatios(API_METHODS, CONNECTIONS),
});
