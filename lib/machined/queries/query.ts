/** What machined answers about the node: calls of the machine API that osd passes on. */
import { errorMessage } from '../../base/errors.js';
import { ControlError } from '../../control/errors.js';

export interface QueryContext {
  /** Who asks, for the log: osd has decided that it may. */
  caller: string;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

/** Answers with the one message of the response, encoded, without `metadata`. Fails by throwing; ControlError chooses what the client is told. */
export type UnaryQuery = (request: Uint8Array, context: QueryContext) => Promise<Uint8Array>;
/** Gives the messages of a stream, encoded, without `metadata`. Ended by its consumer when the client is gone. */
export type StreamQuery = (request: Uint8Array, context: QueryContext) => AsyncIterable<Uint8Array>;

export interface QueryTable {
  unary: Readonly<Record<string, UnaryQuery>>;
  streams: Readonly<Record<string, StreamQuery>>;
}

interface Definition<Request> {
  path: string;
  requestDeserialize(bytes: Buffer): Request;
}
interface MessageType<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/** One entry of the table, typed by the call's definition and the class of its one message. */
export function unary<Request, Message>(
  definition: Definition<Request>,
  type: MessageType<Message>,
  answer: (request: Request, context: QueryContext) => Message | Promise<Message>,
): Record<string, UnaryQuery> {
  return {
    [definition.path]: async (bytes, context) => {
      const request = decode(definition, bytes);
      return type.encode(await answer(request, context)).finish();
    },
  };
}

/** As `unary`, for a stream. */
export function stream<Request, Message>(
  definition: Definition<Request>,
  type: MessageType<Message>,
  answer: (request: Request, context: QueryContext) => AsyncIterable<Message>,
): Record<string, StreamQuery> {
  return {
    [definition.path]: async function* (bytes, context) {
      const request = decode(definition, bytes);
      for await (const message of answer(request, context)) yield type.encode(message).finish();
    },
  };
}

function decode<Request>(definition: Definition<Request>, bytes: Uint8Array): Request {
  try {
    return definition.requestDeserialize(Buffer.from(bytes));
  } catch (cause) {
    throw new ControlError('INVALID_ARGUMENT', `the request cannot be decoded: ${errorMessage(cause)}`, { cause });
  }
}
