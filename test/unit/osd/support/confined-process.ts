/**
 * A program that is confined as osd is and does what it is told: `confined-process.js ADDON JSON`. JSON is a list of system calls as
 * [number, argument…]; strings that end in n are numbers, others texts. Prints each result in a line of its own. No list: what Node needs.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { gzip } from 'node:zlib';
import { loadNative } from '../../../../lib/native/index.js';
import type { OsdContext } from '../../../../lib/osd/context.js';
import { figureHandlers } from '../../../../lib/osd/handlers/figures.js';
import { localAddresses } from '../../../../lib/osd/node-target.js';
import { listeningFilter, startFilter } from '../../../../lib/server/seccomp.js';

const [addon, list] = process.argv.slice(2) as [string, string | undefined];
const raw = createRequire(import.meta.url)(addon) as { call(...words: unknown[]): number };
const { process: processes } = loadNative();
const print = (...words: unknown[]) => process.stdout.write(`${words.join(' ')}\n`);
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    ({ code }) => code,
  );

processes.installSeccomp(startFilter(process.pid));
if (list === undefined) await daily();
else {
  processes.installSeccomp(listeningFilter());
  for (const call of JSON.parse(list) as string[][]) {
    const words = call.map((word) => (/^-?\d+n$/.test(word) ? BigInt(word.slice(0, -1)) : Buffer.from(`${word}\0`)));
    print(raw.call(...words));
  }
}
process.exit(0);

/** What osd does, or may do one day, and all of Node below it. */
async function daily(): Promise<void> {
  const server = createServer((socket) => socket.end('hello'));
  print(
    'listen',
    await outcome(new Promise((resolve, reject) => server.on('error', reject).listen(0, resolve as () => void))),
  );
  processes.installSeccomp(listeningFilter());
  print('read', await outcome(readFile('/proc/self/status')));
  print('stat', await outcome(stat('/')));
  const context = { hostname: () => 'node-1' } as OsdContext;
  print('figures', await outcome(Promise.all(Object.values(figureHandlers()).map((figure) => figure(context)))));
  print('write', await outcome(writeFile('/tmp/osd-never', 'x')));
  print('threads', await outcome(Promise.all(Array.from({ length: 16 }, () => promisify(gzip)(randomBytes(100_000))))));
  print('hash', createHash('sha256').update('x').digest('hex').slice(0, 8));
  setFlagsFromString('--expose-gc');
  for (let round = 0; round < 20; round += 1) {
    const kept = Array.from({ length: 100_000 }, (_, at) => ({ at, text: `${at}` }));
    if (kept.length === 0) print('never');
  }
  (await import('node:vm')).runInNewContext('gc')();
  print('garbage', 'fine');
  const udp = createSocket('udp4');
  const answered = new Promise((resolve) => udp.once('message', resolve));
  await new Promise((resolve) => udp.bind(0, '127.0.0.1', resolve as () => void));
  udp.connect(udp.address().port, '127.0.0.1', () => udp.send('x'));
  print('udp', await outcome(answered));
  udp.close();
  // A name server that knows no name: that it was heard is what counts.
  const names = createSocket('udp4');
  await new Promise((resolve) => names.bind(0, '127.0.0.1', resolve as () => void));
  names.on('message', (query, { port, address }) => {
    query.writeUInt16BE(0x8180, 2);
    names.send(query, port, address);
  });
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${names.address().port}`]);
  print('dns', await outcome(resolver.resolve4('time.example')));
  names.close();
  const second = createServer();
  const again = new Promise((resolve, reject) => second.on('error', reject).listen(0, resolve as () => void));
  print('listen again', await outcome(again));
  print('addresses', localAddresses().includes('127.0.0.1'));
  try {
    networkInterfaces();
    print('netlink', 'fine');
  } catch (error) {
    // libuv gives the number its wrong sign.
    print('netlink', Math.abs((error as { info: { errno: number } }).info.errno));
  }
  try {
    processes.installSeccomp(listeningFilter());
    print('third filter', 'fine');
  } catch (error) {
    print('third filter', (error as NodeJS.ErrnoException).code);
  }
}
