import type { Socket } from 'node:net';
import { connect, type SecureContext } from 'node:tls';
import { CallCredentials, ChannelCredentials } from '@grpc/grpc-js';
import { fingerprintProblem, tlsOptions, type Unverified } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { ClientError } from './errors.js';

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/**
 * For a server whose certificate nobody can verify. grpc-js looks at a certificate only when its chain is good, so that the connection is made
 * here: before a byte of HTTP/2 is sent its fingerprint is compared.
 */
export class UnverifiedCredentials extends ChannelCredentials {
  constructor(
    private readonly endpoint: Endpoint,
    private readonly context: SecureContext,
    private readonly trust: Unverified,
  ) {
    super();
  }

  override compose(): ChannelCredentials {
    return this;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(): SecureConnector {
    const { endpoint, context, trust } = this;
    return {
      connect: (raw: Socket) =>
        new Promise((resolve, reject) => {
          const socket = connect({ ...tlsOptions(endpoint, context, trust), socket: raw }, () => {
            const problem = fingerprintProblem(socket, trust);
            if (problem === undefined) resolve({ socket, secure: true });
            else {
              socket.destroy();
              reject(new ClientError('denied', problem));
            }
          });
          socket.on('error', reject);
        }),
      waitForReady: async () => {},
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => {},
    };
  }
}
