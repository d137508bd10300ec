/**
 * A real osd on the loopback interface: its start, unary calls over mutual TLS, and `osctl logs` from a full ring. This process plays init and machined, with the build's
 * own code (benchmarks/lib/osd-node.ts of that build), so that a changed control protocol does not matter.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { cpuMicroseconds } from '../../lib/cpu-seconds.js';
import { summarise } from '../../lib/statistics.js';
import { loadFrom, probeInput, tell } from '../probe.js';

const WARM_UP_CALLS = 100;
const CALLS = 300;
const LINE_BYTES = 100;
const LINES = 100_000;
const RING_BYTES = 1 << 25;

const input = probeInput();
const { OsdNode } = await loadFrom<typeof import('../../lib/osd-node.js')>(input, 'benchmarks/lib/osd-node.js');
const client = await loadFrom<typeof import('../../../lib/client/index.js')>(input, 'lib/client/index.js');

const node = await OsdNode.start({ log: RING_BYTES });
try {
  const costs = { 'osd-start': cpuMicroseconds(node.pid) / 1000, ...(await unaryCalls()), ...(await logs()) };
  tell(costs);
} finally {
  await node.stop();
}

async function unaryCalls() {
  const read = (name: string) => readFileSync(join(node.folder, name), 'utf8');
  const credentials = { ca: read('ca.crt'), crt: read('client.crt'), key: read('client.key') };
  const machine = new client.MachineClient({ endpoints: [`127.0.0.1:${node.port}`], credentials });
  const times: number[] = [];
  const call = async () => {
    const startedMs = performance.now();
    const { messages } = await machine.unary(client.MachineService.Version, {});
    times.push((performance.now() - startedMs) * 1000);
    if (!/^v\d/.test(messages?.[0]?.version?.tag ?? '')) throw new Error(`Version said ${JSON.stringify(messages)}`);
  };
  for (let count = 0; count < WARM_UP_CALLS; count++) await call();
  const before = cpuMicroseconds(node.pid);
  times.length = 0;
  for (let count = 0; count < CALLS; count++) await call();
  const cpuUs = (cpuMicroseconds(node.pid) - before) / CALLS;
  machine.close();
  return { 'api-time': summarise(times).median, 'api-cpu': cpuUs };
}

async function logs() {
  const lines = Array.from({ length: LINES }, (_, number) => `${String(number).padStart(LINE_BYTES - 1, '.')}\n`).join(
    '',
  );
  const file = join(node.folder, 'lines');
  writeFileSync(file, lines);
  await node.fill('log', ['/bin/cat', file]);
  const gigabytes = lines.length / 1e9;
  const before = cpuMicroseconds(node.pid);
  const startedMs = performance.now();
  const argv = [join(input.checkout, 'bin', 'osctl'), ...node.arguments, 'logs', 'log'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
  const wallMs = performance.now() - startedMs;
  const cpuUs = cpuMicroseconds(node.pid) - before;
  const sum = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
  if (code !== 0 || sum(output) !== sum(lines))
    throw new Error(`osctl logs ended with ${code} after ${output.length} bytes`);
  return { 'logs-time': wallMs, 'logs-cpu': cpuUs / 1e6 / gigabytes };
}
