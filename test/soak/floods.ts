/**
 * Floods against the API of a booted node, from the host through the forwarded port: `node out/js/test/soak/floods.js [--seconds N] [NAME…]`.
 * Another client keeps its connection and is answered; osd is the same process afterwards; PID 1 answers.
 * An emulated node on a busy machine is slow, and shares its processors with the flood: what is bounded is the middle of the answers, and
 * nineteen of twenty; the worst is told.
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { parseArgs } from 'node:util';
import { MachineServiceDefinition } from '../../lib/gen/machine/service.js';
import { issueClientCertificate } from '../../lib/pki/index.js';
import { clusterAuthority, currentContext, tlsOptions } from '../helpers/credentials.js';
import { connectionAttempts, FLOODS, flood } from '../helpers/flood/floods.js';
import { grpcMessage } from '../helpers/flood/frames.js';
import { TestNode } from '../helpers/node.js';

const MEDIAN_MS = 1000;
const P95_MS = 3000;
const DEADLINE_MS = 30_000;

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
});
const seconds = Number(values.seconds);

await using node = await TestNode.create({ name: 'floods', layer: 'test' });
const { endpoint, ca, client } = await currentContext(node.home);
const { hostname: host, port } = new URL(`tcp://${endpoint}`);
const authority = await clusterAuthority(node.state.configDisk);
const attacker = tlsOptions(await issueClientCertificate({ ca: authority, roles: ['os:operator'] }));
const target = { host, port: Number(port), ca, crt: attacker.cert, key: attacker.key };

/** The connection of the other client; after a loss, which is a failure, there is a new one for the next flood. */
let known = open();
function open(): ClientHttp2Session {
  const session = connect(`https://${endpoint}`, { ca, ...tlsOptions(client), checkServerIdentity: () => undefined });
  return session.on('error', (error) => console.log(`the other client has lost its connection: ${error.message}`));
}

/** Milliseconds until Version was answered. */
function ask(): Promise<number> {
  const startedMs = performance.now();
  const request = known.request({
    ...{ ':method': 'POST', ':path': MachineServiceDefinition.Version.path },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  });
  request.setTimeout(DEADLINE_MS, () => request.close());
  request.resume().end(grpcMessage(Buffer.alloc(0)));
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('trailers', ({ 'grpc-status': status }) => {
      if (Number(status) === 0) resolve(performance.now() - startedMs);
      else reject(new Error(`status ${status}`));
    });
    request.on('close', () => reject(new Error('it was not answered')));
  });
}

/** `osctl ps`: the rows of init and osd. */
async function processes(): Promise<string> {
  const { stdout } = await node.home.succeed(['ps']);
  return stdout
    .split('\n')
    .filter((line) => / (init|osd) /.test(line))
    .join('\n');
}

const before = await processes();
let failures = 0;
const chosen = positionals.length > 0 ? positionals : [...Object.keys(FLOODS), 'attempts'];
for (const name of chosen) {
  let isOver = false;
  const flooding = (name === 'attempts' ? connectionAttempts(target, 10_000) : flood(name, target, seconds)).finally(
    () => {
      isOver = true;
    },
  );
  const answers: number[] = [];
  let lost = '';
  while (!isOver && lost === '') {
    await ask().then(
      (ms) => answers.push(ms),
      (error: Error) => {
        lost = error.message;
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { opened, closed, sentBytes } = await flooding;
  answers.sort((left, right) => left - right);
  const [median, p95] = [0.5, 0.95].map(
    (share) => answers[Math.floor(share * answers.length)] ?? Number.POSITIVE_INFINITY,
  ) as [number, number];
  const isGood = lost === '' && median < MEDIAN_MS && p95 < P95_MS;
  if (!isGood) failures += 1;
  if (lost !== '') {
    known.destroy();
    known = open();
  }
  console.log(
    `${isGood ? 'ok' : 'FAILED'} ${name}: ${opened} connections, ${closed} cut, ${(sentBytes / 2 ** 20).toFixed(1)} MiB; ` +
      `${answers.length} answers, median ${median.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, worst ${answers.at(-1)?.toFixed(0)} ms ${lost}`,
  );
}
known.destroy();
// The floods came from the address that osctl's connection comes from, too: its share of new connections must have come back.
await new Promise((resolve) => setTimeout(resolve, 3000));
const after = await processes();
if (after !== before) {
  failures += 1;
  console.log(`FAILED: other processes than before\n${before}\n${after}`);
}
console.log(failures === 0 ? 'floods: passed' : `floods: ${failures} FAILED`);
process.exitCode = failures === 0 ? 0 : 1;
