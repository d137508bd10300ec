import { connect } from 'node:http2';
import type { ApiTarget } from '../../../cluster/create.js';
import { standardPrivateKeyPem } from '../../../pki/keys.js';

/** A gRPC message: not compressed, four bytes of length, and nothing in it, which is what an Empty is. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/**
 * Asks a node for its version, once, over mutual TLS. Made of http2 alone: a client that would retry, back off and keep connections
 * is in the way of measuring the first answer.
 * @throws Error saying why there was no answer
 */
export async function askVersion(target: ApiTarget, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const session = connect(`https://${target.endpoint}`, {
    ca: target.ca,
    cert: target.crt,
    key: standardPrivateKeyPem(target.key),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      session.once('error', reject);
      session.once('close', () => reject(new Error('the node closed the connection')));
      const request = session.request({
        ':method': 'POST',
        ':path': '/machine.MachineService/Version',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const onHeaders = (headers: Record<string, unknown>): void => {
        const status = headers['grpc-status'];
        if (status === '0') resolve();
        else if (status !== undefined) reject(new Error(`the node answered with gRPC status ${status}`));
      };
      request.on('response', onHeaders);
      request.on('trailers', onHeaders);
      request.once('error', reject);
      request.resume();
      request.end(EMPTY_MESSAGE);
    });
  } finally {
    session.on('error', () => {});
    session.destroy();
  }
}
