/** How the kubelet fares, asked of a server in its place, and what is shown of it while the node is no member yet. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { KubeletStatus, type StatusReport } from '../../../../lib/machined/kubernetes/kubelet-status.js';
import { watchKubelet } from '../../../../lib/machined/kubernetes/kubelet-watch.js';

t.test('it is asked until the signal, sooner while it is not well', async (t) => {
  const answers: [number, string][] = [
    [200, 'ok'],
    [500, '[-]syncloop failed: not running\n'],
    [503, ''],
    [200, 'ok'],
  ];
  const expected = [
    { isHealthy: true, text: 'the kubelet is healthy' },
    { isHealthy: false, text: 'the kubelet says: [-]syncloop failed: not running' },
    { isHealthy: false, text: 'the kubelet says: HTTP 503' },
    { isHealthy: true, text: 'the kubelet is healthy' },
  ];
  const server = createServer((_, response) => {
    const [status, text] = answers.shift() ?? [500, 'too many questions'];
    response.writeHead(status).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
  const stop = new AbortController();
  const seen: StatusReport[] = [];
  await watchKubelet(
    {
      url,
      intervalMs: { healthy: 1, unhealthy: 1 },
      report: (status) => {
        seen.push(status);
        if (answers.length === 0) stop.abort();
      },
    },
    stop.signal,
  );
  t.strictSame(seen, expected);
  server.close();
  await once(server, 'close');

  const away = new AbortController();
  await watchKubelet(
    {
      url,
      report: (status) => {
        t.strictSame(status, { isHealthy: false, text: 'the kubelet does not answer: it does not listen yet' });
        away.abort();
      },
    },
    away.signal,
  );
});

t.test('what the node is about counts until it is a member, and nothing is said twice', (t) => {
  const told: string[] = [];
  const status = new KubeletStatus(({ isHealthy, text }) => told.push(`${isHealthy ? '' : 'not '}well: ${text}`));
  status.setMembership('waits');
  status.setMembership('waits');
  status.setKubelet({ isHealthy: true, text: 'healthy' });
  status.setMembership('phase');
  status.setMembership(undefined);
  status.setKubelet({ isHealthy: true, text: 'healthy' });
  status.setKubelet({ isHealthy: false, text: 'silent' });
  t.strictSame(told.splice(0), ['not well: waits', 'not well: phase', 'well: healthy', 'not well: silent']);
  status.setManifests('manifest a is not applied');
  t.strictSame(told, [], 'a kubelet that is not well is told of first');
  status.setKubelet({ isHealthy: true, text: 'healthy' });
  status.setManifests(undefined);
  t.strictSame(told, ['not well: healthy, and manifest a is not applied', 'well: healthy']);
  t.end();
});
