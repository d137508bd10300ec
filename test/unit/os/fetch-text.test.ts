/** What is not of the machine config alone (test/unit/networkd/fetch-config.test.ts has the rest): headers, and whom they are for. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { fetchText } from '../../../lib/os/fetch-text.js';

const options = {
  ...{ resolve: async () => ['127.0.0.1'], signal: new AbortController().signal, deadlineMs: 5000 },
  ...{ maxBytes: 10, tooLarge: 'has more than ten bytes' },
};

/** @param answer  the text, or where there is another one */
async function serve(t: Test, answer: (url: string) => string) {
  const asked: [url: string, token: unknown, encoding: unknown][] = [];
  const server = createServer(({ url = '', headers }, response) => {
    asked.push([url, headers['x-token'], headers['accept-encoding']]);
    const text = answer(url);
    if (text.startsWith('http')) response.writeHead(302, { location: text }).end();
    else response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { place: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

t.test('headers go to the origin of the URL, and to no other', async (t) => {
  const other = await serve(t, () => 'there');
  const first = await serve(t, (url) =>
    url === '/a' ? `${first.place}/b` : url === '/b' ? `${other.place}/c` : 'here',
  );
  const headers = { 'X-Token': 'abc', 'Accept-Encoding': 'gzip' };
  t.equal(await fetchText(`${first.place}/a`, { ...options, headers }), 'there');
  t.strictSame(first.asked, [
    ['/a', 'abc', 'identity'],
    ['/b', 'abc', 'identity'],
  ]);
  t.strictSame(other.asked, [['/c', undefined, 'identity']]);
});

t.test('more than was asked for', async (t) => {
  const { place } = await serve(t, (url) => 'x'.repeat(Number(url.slice(1))));
  t.equal(await fetchText(`${place}/10`, options), 'x'.repeat(10));
  await t.rejects(fetchText(`${place}/11`, options), { name: 'FetchFailed', message: /: it has more than ten bytes$/ });
});
