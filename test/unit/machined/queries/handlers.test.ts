/** What a streamed answer leaves behind when it is over: nothing. */
import { once } from 'node:events';
import t from 'tap';
import { readQueryStream } from '../../../../lib/control/query-stream.js';
import type { CallContext, ServerConnection } from '../../../../lib/control/server.js';
import { queryHandlers } from '../../../../lib/machined/queries/handlers.js';
import type { QueryTable } from '../../../../lib/machined/queries/query.js';
import { loadNative } from '../../../../lib/native/index.js';

const { descriptor } = loadNative();
const LARGE = Buffer.alloc(200_000, 7);

function rig() {
  const listeners = new Set<() => void>();
  const connection = {
    onClose: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as ServerConnection;
  const context: CallContext = {
    peer: 'osd',
    connection,
    signal: new AbortController().signal,
    deadlineMs: 0,
    descriptors: [],
  };
  const stopped: string[] = [];
  const table: QueryTable = {
    unary: { '/large': async () => LARGE },
    streams: {
      '/two': async function* () {
        yield Buffer.from('one');
        yield Buffer.from('two');
      },
      '/endless': async function* (_request, { signal }) {
        yield Buffer.from('one');
        if (!signal.aborted) await once(signal, 'abort');
        stopped.push('/endless');
      },
    },
  };
  const handlers = queryHandlers({ descriptor, table: async () => table, log: (text) => t.fail(text) });
  const asked = (path: string) => ({ path, request: new Uint8Array(), caller: '', upload: 0 });
  return { handlers, listeners, context, asked, stopped };
}

async function lengths(end: Parameters<typeof readQueryStream>[0] | undefined): Promise<number[]> {
  const found: number[] = [];
  if (end) for await (const message of readQueryStream(end)) found.push(message.length);
  return found;
}

/** The maker's side ends in a later turn of the loop. */
const untilEmpty = async (listeners: ReadonlySet<unknown>) => {
  for (let turn = 0; turn < 100 && listeners.size > 0; turn++) await new Promise(setImmediate);
  return listeners.size;
};

t.test('an answer that is over does not wait for the end of the connection', async (t) => {
  const { handlers, listeners, context, asked } = rig();
  for (let round = 0; round < 3; round++) {
    const large = await handlers.query(asked('/large'), context);
    t.same(await lengths(large.descriptors?.[0]), [LARGE.length]);
    const two = await handlers.openQueryStream(asked('/two'), context);
    t.same(await lengths(two.descriptors?.[0]), [3, 3]);
  }
  t.equal(await untilEmpty(listeners), 0, 'the connection, which lives as long as osd, knows none of them any more');
});

t.test('one that is not over ends with the connection', async (t) => {
  const { handlers, listeners, context, asked, stopped } = rig();
  const { descriptors } = await handlers.openQueryStream(asked('/endless'), context);
  const found = lengths(descriptors?.[0]);
  t.equal(listeners.size, 1);
  for (const listener of listeners) listener();
  t.same(await found, [3]);
  t.same(stopped, ['/endless']);
  t.equal(await untilEmpty(listeners), 0);
});
