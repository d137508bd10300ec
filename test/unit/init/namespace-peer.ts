/**
 * Runs as the service `osd` under the PID 1 of namespace-init.ts, asks it for everything that osd may ask for, and writes what it
 * was told to the file that argv names. At the end it has the namespace powered off.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { ControlClient } from '../../../lib/control/client.js';
import type { ControlEvent, Service } from '../../../lib/control/protocol.js';
import { loadNative } from '../../../lib/native/index.js';

const [, , reportFile = ''] = process.argv;
const native = loadNative();
const events: ControlEvent[] = [];
const init = new ControlClient(native.descriptor.adopt(3), {
  channels: native.channel,
  onEvent: (event, descriptors) => {
    events.push(event);
    for (const descriptor of descriptors) descriptor.close();
  },
});

async function services(): Promise<Service[]> {
  return (await init.request('listServices', {})).body.services;
}

/** Waits until a service is as wanted. */
/** As many as namespace.test.ts has made. */
const ORPHANS = 20;

async function until(id: string, isWanted: (service: Service) => boolean): Promise<Service> {
  for (;;) {
    const service = (await services()).find((one) => one.id === id);
    if (service && isWanted(service)) return service;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function log(id: string): Promise<string> {
  const { descriptors } = await init.request('openLog', { id, follow: false });
  const [memory] = descriptors;
  if (!memory) throw new Error('no descriptor');
  const reader = native.ring.openReader({ memory });
  reader.seekStart();
  const slab = Buffer.alloc(64 * 1024);
  let text = '';
  for (let bytes = reader.read(slab).bytes; bytes > 0; bytes = reader.read(slab).bytes) {
    text += slab.toString('utf8', 0, bytes);
  }
  reader.close();
  return text;
}

async function failure(request: Promise<unknown>): Promise<unknown> {
  return request.then(
    () => 'no failure',
    ({ kind, message }) => ({ kind, message }),
  );
}

const status = readFileSync('/proc/self/status', 'utf8');
const crasher = await until('crasher', ({ restarts }) => restarts >= 2);
const once = await until('once', ({ state }) => state === 'Finished');
await until('orphans', ({ state }) => state === 'Finished');

/** Zombies that are init's to reap. Those of a shell that has not waited yet are the shell's. */
function zombiesOfInit(): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/stat`, 'utf8').includes(') Z 1 ');
    } catch {
      return false;
    }
  });
}

/** Orphans that init says it has reaped; it sums them up once a second. */
async function orphansReaped(): Promise<number> {
  const counts = [...(await log('init')).matchAll(/reaped \d+ orphans \((\d+) since boot\)/g)];
  return Number(counts.at(-1)?.[1] ?? 0);
}

// What `orphans` left behind ended at once or was killed with its cgroup, and init is its parent now.
while ((await orphansReaped()) < ORPHANS) await new Promise((resolve) => setTimeout(resolve, 20));
const zombies = zombiesOfInit();
await init.request('controlService', { id: 'sleeper', action: 'STOP' });
const sleeper = await until('sleeper', ({ state }) => state === 'Finished');
const report = {
  pid: process.pid,
  uid: process.getuid?.(),
  cgroup: readFileSync('/proc/self/cgroup', 'utf8'),
  openFiles: readdirSync('/proc/self/fd').map(Number),
  capabilities: /^CapBnd:\s*(\w+)$/m.exec(status)?.[1],
  noNewPrivileges: /^NoNewPrivs:\s*(\d)$/m.exec(status)?.[1],
  environment: { ...process.env },
  crasher,
  once,
  sleeper,
  zombies,
  onceLog: await log('once'),
  initLog: await log('init'),
  unknown: await failure(init.request('openLog', { id: 'nobody', follow: false })),
  denied: await failure(init.request('setHostname', { hostname: 'evil' })),
  connect: await failure(init.request('connect', { peer: 'machined' })),
};
process.on('SIGTERM', () => {
  writeFileSync(`${reportFile}.end`, JSON.stringify({ events }));
  process.exit(0);
});
writeFileSync(reportFile, JSON.stringify(report));
await init.request('power', {
  action: 'SHUTDOWN',
  force: false,
  actorId: '',
  reason: 'the test is over',
  drain: false,
  reset: false,
  disksToWipe: [],
  partitionsToWipe: [],
});
setInterval(() => {}, 1000);
