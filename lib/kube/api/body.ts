import type { IncomingMessage } from 'node:http';
import { KubeError } from './errors.js';

/**
 * All of an answer, read to its end.
 * @throws KubeError ERR_KUBE_ANSWER  it has more than `maxBytes`, or ends before its end · what the stream fails with
 */
export async function readBody(response: IncomingMessage, maxBytes: number, server: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new KubeError(
        'ERR_KUBE_ANSWER',
        `the Kubernetes API at ${server} sends an answer of more than ${maxBytes} bytes, which is not read`,
      );
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * JSON of a server; its objects have no prototype's keys that it has not written itself (json.ts reads them).
 * @throws KubeError ERR_KUBE_ANSWER
 */
export function parseAnswer(text: string, server: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = `the Kubernetes API at ${server} sends what is no JSON: see whether something else listens there`;
    throw new KubeError('ERR_KUBE_ANSWER', message, { cause: error });
  }
}
