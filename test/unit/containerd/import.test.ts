/** Imports into a containerd that goes away, or never takes the bytes. With a real one: images.test.ts. */
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import t from 'tap';
import { importArchive, isUnavailable } from '../../../lib/containerd/index.js';
import { StreamingDefinition, TransferDefinition } from '../../../lib/gen/containerd/service.js';
import { fakeContainerd } from './fake-containerd.js';

type Stream = ServerDuplexStream<unknown, unknown>;

/** An archive, and how often it was begun to be read. */
function archive() {
  const seen = { reads: 0 };
  async function* bytes() {
    seen.reads++;
    yield Buffer.alloc(512);
  }
  return { seen, request: { namespace: 'system', name: 'a', archive: bytes() } };
}

t.test('a stream that ends before it was opened is the end of the import', async (t) => {
  const failed = (call: Stream) => void call.emit('error', { code: status.UNAVAILABLE, details: 'going down' });
  const ended = (call: Stream) => call.end();
  const refused = (call: Stream) => void call.emit('error', { code: status.UNIMPLEMENTED, details: 'no streams' });
  for (const [handler, isAbsent] of [
    [failed, true],
    [ended, true],
    [refused, false],
  ] as const) {
    const connection = await fakeContainerd(t, [[StreamingDefinition.Stream, handler as never]]);
    const { seen, request } = archive();
    const error = await importArchive(connection, request).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    t.match(error, { code: 'ERR_CONTAINERD', message: /Streaming\/Stream/ });
    t.equal(isUnavailable(error), isAbsent);
    t.equal(seen.reads, 0, 'nothing was read');
  }
});

t.test('a transfer that fails wants no more bytes', async (t) => {
  const connection = await fakeContainerd(t, [
    [StreamingDefinition.Stream, ((call: Stream) => void call.once('data', () => call.write({}))) as never],
    [
      TransferDefinition.Transfer,
      ((_call: unknown, callback: (error: object) => void) =>
        callback({ code: status.UNAVAILABLE, details: 'going down' })) as never,
    ],
  ]);
  const error = await importArchive(connection, archive().request).catch((reason: unknown) => reason);
  t.ok(isUnavailable(error));
  t.match(error, { message: /Transfer\/Transfer: going down/ });
});
