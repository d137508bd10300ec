/** A real trustd server with machined's own handler behind it, without processes: for what is about the call alone. */
import { createSecureContext } from 'node:tls';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Test } from 'tap';
import type { CallContext } from '../../../../lib/control/server.js';
import type { securityapi } from '../../../../lib/gen/security/security.js';
import { SecurityServiceDefinition } from '../../../../lib/gen/security/service.js';
import { nodeCertificateHandler } from '../../../../lib/machined/node-certificates.js';
import { IdentityHolder } from '../../../../lib/machined/node-identity.js';
import type { Limits } from '../../../../lib/trustd/limits.js';
import { TrustServer } from '../../../../lib/trustd/server.js';
import { Authority } from '../../osd/support/authority.js';

export const TOKEN = 'abcdef.0123456789abcdef';

type Answer = securityapi.CertificateResponse.$Shape;

export class TrustRig {
  readonly lines: string[] = [];

  private constructor(
    readonly server: TrustServer,
    readonly authority: Authority,
    readonly port: number,
    private readonly t: Test,
  ) {}

  static async start(t: Test, limits: Partial<Limits> = {}): Promise<TrustRig> {
    const authority = await Authority.create();
    const identity = new IdentityHolder();
    const { crt, key } = authority.pair;
    const accepted = { acceptedCas: crt, certSans: [], controlPlaneHost: '192.0.2.1' };
    identity.set({ ca: { crt, key }, token: TOKEN, ...accepted });
    let rig: TrustRig;
    const log = (line: string) => void rig.lines.push(line);
    const issue = nodeCertificateHandler({ identity, ownAddresses: () => [], log });
    const context = { peer: 'trustd', signal: new AbortController().signal, deadlineMs: 5000 } as CallContext;
    const machined = {
      request: async (_method: string, body: Parameters<typeof issue>[0]) => ({
        ...(await issue(body, context)),
        descriptors: [],
      }),
    };
    const server = new TrustServer({
      material: await authority.material(),
      machined: async () => machined as never,
      log,
      limits,
    });
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
    rig = new TrustRig(server, authority, port, t);
    t.teardown(() => server.close(100));
    return rig;
  }

  /** A client of its own for each call, as a node that joins is. */
  async ask(csr: Uint8Array | string, tokens: string[] = [TOKEN]): Promise<Answer> {
    const client = this.client();
    try {
      return await this.askOver(client, csr, tokens);
    } finally {
      client.close();
    }
  }

  client(): Client {
    const context = createSecureContext({ ca: this.authority.certificate });
    const secure = credentials.createFromSecureContext(context);
    const client = new Client(`localhost:${this.port}`, secure, {
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
    });
    this.t.teardown(() => client.close());
    return client;
  }

  askOver(client: Client, csr: Uint8Array | string, tokens: string[] = [TOKEN]): Promise<Answer> {
    const metadata = new Metadata();
    for (const token of tokens) metadata.add('token', token);
    const { path, requestSerialize, responseDeserialize } = SecurityServiceDefinition.Certificate;
    const options = { deadline: Date.now() + 10_000 };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, reply?: Answer) => (error ? reject(error) : resolve(reply as Answer));
      const serialize = requestSerialize as (value: unknown) => Buffer;
      client.makeUnaryRequest(path, serialize, responseDeserialize, { csr: Buffer.from(csr) }, metadata, options, done);
    });
  }
}
