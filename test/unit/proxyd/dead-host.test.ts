/** A host that vanishes with its connections: nobody is left to end them but the balancer, with the times that it has on a node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { DEFAULT_LIMITS } from '../../../lib/proxyd/limits.js';
import { ip } from '../../helpers/dhcp/link.js';
import { inNamespaces } from '../../native/in-namespaces.js';
import { until } from '../osd/support/rig.js';
import { Backend, balanced, Client } from './support/servers.js';

const FAR_ADDRESS = '10.6.0.2';
const FAR_PORT = 6443;

t.setTimeout(90_000);
if (inNamespaces(import.meta.url, ['--net'])) {
  const script = fileURLToPath(new URL('./support/far-server.js', import.meta.url));
  ip('link set lo up');

  t.test('established connections are reset within 5 s, and no new one fails', async (t) => {
    const far = spawn('unshare', ['--net', process.execPath, script, FAR_ADDRESS, String(FAR_PORT)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    t.teardown(() => far.kill('SIGKILL'));
    await once(far, 'message');
    const tell = async (command: string) => {
      const done = once(far, 'message');
      far.send(command);
      await done;
    };
    ip('link add veth0 type veth peer name veth1');
    ip(`link set veth1 netns ${far.pid}`);
    ip('address add 10.6.0.1/24 dev veth0');
    ip('link set veth0 up');
    await tell('listen');

    const near = await Backend.start(t, 'near');
    const address = { host: FAR_ADDRESS, port: FAR_PORT };
    const { port, lines, balancer } = await balanced(t, [{ address }], DEFAULT_LIMITS);
    await until(() => lines.some((line) => line.endsWith('unknown → up')), 'it is up');
    const quiet = await Client.connect(t, port);
    t.equal(await quiet.ask('x'), 'far:x');
    const talking = await Client.connect(t, port);
    t.equal(await talking.ask('x'), 'far:x');
    balancer.use([address, near.address]);
    await until(() => lines.filter((line) => line.endsWith('unknown → up')).length === 2, 'there are two');

    await tell('vanish');
    const vanishedMs = performance.now();
    talking.socket.write('is anybody there?');
    const lasting = Promise.all([quiet.over, talking.over]).then((how) => ({
      how,
      tookMs: performance.now() - vanishedMs,
    }));
    let served = 0;
    let isOver = false;
    void lasting.then(() => {
      isOver = true;
    });
    // One after the other: those that try the host that is gone wait for a second, and are served then.
    while (!isOver) {
      const client = await Client.connect(t, port);
      if ((await client.ask('y')) === 'near:y') served += 1;
      client.socket.destroy();
    }
    const { how, tookMs } = await lasting;
    t.same(how, ['reset', 'reset']);
    t.ok(tookMs < 5000, `after ${Math.round(tookMs)} ms`);
    t.ok(served > 0, `${served} new connections, none of which failed`);
    t.match(lines.join('\n'), /up → dead; [2-9] connections are reset/);

    await tell('return');
    await until(() => lines.some((line) => line.endsWith('dead → up')), 'it is seen when it comes back', 20_000);

    balancer.use([address]);
    await tell('vanish');
    const patient = (await Client.connect(t, port)).ask('z');
    const [backend] = balancer.backends.order();
    await until(() => backend?.failures === 1, 'one look was in vain');
    await tell('return');
    t.equal(await patient, 'far:z', 'the only server there is has more than a second');
  });
}
