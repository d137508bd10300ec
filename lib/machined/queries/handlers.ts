import { ControlError } from '../../control/errors.js';
import { MAX_FRAME_BYTES, type QueryRequest, type RequestOf } from '../../control/protocol.js';
import { writeQueryStream } from '../../control/query-stream.js';
import type { CallContext, HandlerResult } from '../../control/server.js';
import type { DescriptorModule } from '../../native/contract.js';
import type { QueryTable } from './query.js';
import { Uploads } from './uploads.js';

/** A reply's other fields take less than this. */
const MAX_INLINE_BYTES = MAX_FRAME_BYTES - 256;
/** Streams of all peers together; each holds a pair of sockets and what it works on. */
const MAX_STREAMS = 128;

export interface QueryHandlerOptions {
  descriptor: Pick<DescriptorModule, 'streamPair'>;
  /** Loaded with the first query: a node that boots has other things to do. */
  table(): Promise<QueryTable>;
  uploads?: Uploads;
  log(text: string): void;
}

/** Serves Query, OpenQueryStream and UploadPart. */
export function queryHandlers(options: QueryHandlerOptions) {
  let streams = 0;
  const { uploads = new Uploads() } = options;

  /** Passes the read end on and writes in the background, until the connection or the reader is gone. */
  function streamed(path: string, context: CallContext, messages: (signal: AbortSignal) => AsyncIterable<Uint8Array>) {
    if (streams >= MAX_STREAMS) throw new ControlError('RESOURCE_EXHAUSTED', 'too many queries under way');
    const [readEnd, writeEnd] = options.descriptor.streamPair();
    const stop = new AbortController();
    const forget = context.connection.onClose(() => stop.abort());
    streams++;
    const onFault = (error: unknown) => {
      if (stop.signal.aborted && error === stop.signal.reason) return;
      options.log(`${path} for ${context.peer} failed: ${error instanceof Error ? error.stack : String(error)}`);
    };
    void writeQueryStream(writeEnd, messages(stop.signal), onFault, () => stop.abort()).finally(() => {
      streams--;
      forget();
      stop.abort();
    });
    return [readEnd];
  }

  return {
    query: async (query: QueryRequest, context: CallContext): Promise<HandlerResult<'query'>> => {
      const { path, caller } = query;
      const request = uploads.requestOf(context.connection, query);
      const answer = own((await options.table()).unary, path);
      const message = await answer(request, { caller, signal: context.signal });
      if (message.length <= MAX_INLINE_BYTES) return { body: { message, streamed: false } };
      const descriptors = streamed(path, context, async function* () {
        yield message;
      });
      return { body: { message: new Uint8Array(), streamed: true }, descriptors };
    },
    openQueryStream: async (query: QueryRequest, context: CallContext): Promise<HandlerResult<'openQueryStream'>> => {
      const { path, caller } = query;
      const request = uploads.requestOf(context.connection, query);
      const answer = own((await options.table()).streams, path);
      return { body: {}, descriptors: streamed(path, context, (signal) => answer(request, { caller, signal })) };
    },
    uploadPart: (
      { upload, data }: RequestOf<'uploadPart'>,
      { connection }: CallContext,
    ): HandlerResult<'uploadPart'> => {
      uploads.add(connection, upload, data);
      return { body: {} };
    },
  };
}

function own<T>(table: Readonly<Record<string, T>>, path: string): T {
  const found = Object.hasOwn(table, path) ? table[path] : undefined;
  if (found === undefined) throw new ControlError('INVALID_ARGUMENT', `no query ${JSON.stringify(path)}`);
  return found;
}
