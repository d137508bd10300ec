import type { IncomingMessage } from 'node:http';
import { parseAnswer } from './body.js';
import { KubeError, statusError } from './errors.js';
import { type JsonObject, numberAt, objectAt, textAt } from './json.js';
import { LineSplitter } from './lines.js';

export type WatchEvent =
  | { kind: 'set'; object: JsonObject }
  | { kind: 'deleted'; object: JsonObject }
  /** Nothing has happened until that version. */
  | { kind: 'bookmark'; resourceVersion: string };

export interface ReadWatchOptions {
  server: string;
  path: string;
  maxLineBytes: number;
  onEvents(events: readonly WatchEvent[]): void;
}

/**
 * Reads the events of a watch, a line each, to its end in order.
 * @throws KubeError  ERR_KUBE_GONE · what the server says went wrong · ERR_KUBE_ANSWER: no events, or too long a line · ERR_KUBE_UNREACHABLE:
 *   it ended in the middle
 */
export async function readWatch(response: IncomingMessage, options: ReadWatchOptions): Promise<void> {
  const { server, path, maxLineBytes, onEvents } = options;
  const lines = new LineSplitter(maxLineBytes);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const events: WatchEvent[] = [];
    let failure: unknown;
    try {
      for (const line of lines.push(chunk)) events.push(eventOf(parseAnswer(line, server), options));
    } catch (error) {
      failure =
        error instanceof RangeError
          ? new KubeError(
              'ERR_KUBE_ANSWER',
              `the Kubernetes API at ${server} sends an event of ${path} of more than ${maxLineBytes} bytes, which is not read`,
            )
          : error;
    }
    // What came before the failure has happened.
    if (events.length > 0) onEvents(events);
    if (failure !== undefined) {
      response.destroy();
      throw failure;
    }
  }
  if (lines.pendingBytes > 0) {
    throw new KubeError(
      'ERR_KUBE_UNREACHABLE',
      `the watch of ${path} at ${server} ended in the middle of an event: it is begun again`,
    );
  }
}

function eventOf(event: unknown, { server, path }: ReadWatchOptions): WatchEvent {
  const object = objectAt(event, 'object');
  const resourceVersion = textAt(object, 'metadata', 'resourceVersion') ?? '';
  const type = textAt(event, 'type');
  if (type === 'ERROR') throw statusError({ server, what: `watch ${path}` }, numberAt(object, 'code') ?? 0, object);
  if (object && resourceVersion !== '') {
    if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'set', object };
    if (type === 'DELETED') return { kind: 'deleted', object };
    if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  }
  throw new KubeError('ERR_KUBE_ANSWER', `the Kubernetes API at ${server} sends what is no event of ${path}`);
}
