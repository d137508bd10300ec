/** A real osd server on a port of its own, with fakes behind it, and clients for it. */

import type { EventEmitter } from 'node:events';
import { createSecureContext } from 'node:tls';
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import type { PemPair } from '../../../../lib/base/secrets-bundle.js';
import type { common } from '../../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition } from '../../../../lib/gen/machine/service.js';
import type { KmsgModule, RingModule } from '../../../../lib/native/contract.js';
import type { InitClient } from '../../../../lib/osd/context.js';
import type { Limits } from '../../../../lib/osd/limits.js';
import { OsdServer } from '../../../../lib/osd/server.js';
import type { TlsMaterial } from '../../../../lib/server/tls-material.js';
import { Authority } from './authority.js';
import { FakeInit } from './fake-init.js';

type Definitions = typeof MachineServiceDefinition;
type Name = keyof Definitions;
type RequestFor<N extends Name> = Parameters<Definitions[N]['requestSerialize']>[0];
type ReplyFor<N extends Name> = ReturnType<Definitions[N]['responseDeserialize']>;

const unused = () => {
  throw new Error('this test has no such thing');
};

export interface RigOptions {
  authority?: Authority;
  material?: TlsMaterial;
  init?: FakeInit;
  /** machined; `init` unless given. */
  machined?: InitClient;
  ring?: Partial<RingModule>;
  kmsg?: Partial<KmsgModule>;
  limits?: Partial<Limits>;
}

export class Rig {
  readonly lines: string[] = [];
  private readonly clients: Client[] = [];

  private constructor(
    readonly server: OsdServer,
    readonly authority: Authority,
    readonly init: FakeInit,
    readonly port: number,
    lines: string[],
  ) {
    this.lines = lines;
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const authority = options.authority ?? (await Authority.create());
    const init = options.init ?? new FakeInit();
    const lines: string[] = [];
    const server = new OsdServer({
      material: options.material ?? (await authority.material()),
      init,
      machined: async () => options.machined ?? init,
      ring: { create: unused, openReader: unused, ...options.ring },
      kmsg: { subscribe: unused, openReader: unused, write: unused, ...options.kmsg },
      log: (line) => lines.push(line),
      limits: options.limits ?? {},
      hostname: () => 'node-1',
    });
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
    return new Rig(server, authority, init, port, lines);
  }

  client(pair: PemPair | undefined, options: object = {}): ApiClient {
    const client = new ApiClient(this.port, this.authority.certificate, pair, options);
    this.clients.push(client.grpc);
    return client;
  }

  async clientWith(roles: string[]): Promise<ApiClient> {
    return this.client(await this.authority.client(roles));
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.server.close(200);
  }
}

/** As the generated tables have it. */
export interface CallKind {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
}

export class ApiClient {
  readonly grpc: Client;

  constructor(port: number, ca: string, pair: PemPair | undefined, options: object) {
    // A client that shows whatever key it has: newer OpenSSLs would not let it take a weak one, and it is osd that has to refuse that.
    const identity = pair && { key: pair.key, cert: pair.crt, ciphers: 'DEFAULT:@SECLEVEL=0' };
    const secure = credentials.createFromSecureContext(createSecureContext({ ca, ...identity }));
    this.grpc = new Client(`localhost:${port}`, secure, { 'grpc.enable_retries': 0, ...options });
  }

  unary<N extends Name>(name: N, request: RequestFor<N>, metadata = new Metadata()): Promise<ReplyFor<N>> {
    const { path, requestSerialize, responseDeserialize } = MachineServiceDefinition[name];
    return new Promise((resolve, reject) => {
      this.grpc.makeUnaryRequest(
        path,
        requestSerialize as (value: unknown) => Buffer,
        responseDeserialize as (bytes: Buffer) => ReplyFor<N>,
        request,
        metadata,
        { deadline: Date.now() + 15_000 },
        (error, reply) => (error ? reject(error) : resolve(reply as ReplyFor<N>)),
      );
    });
  }

  stream<N extends Name>(name: N, request: RequestFor<N>, metadata = new Metadata()) {
    const { path, requestSerialize, responseDeserialize } = MachineServiceDefinition[name];
    const serialize = requestSerialize as (value: unknown) => Buffer;
    const deserialize = responseDeserialize as (bytes: Buffer) => ReplyFor<N>;
    return this.grpc.makeServerStreamRequest(path, serialize, deserialize, request, metadata);
  }

  async collect<N extends 'Logs' | 'Dmesg'>(
    name: N,
    request: RequestFor<N>,
    metadata?: Metadata,
  ): Promise<common.Data[]> {
    const found: common.Data[] = [];
    for await (const item of this.stream(name, request, metadata)) found.push(item as common.Data);
    return found;
  }

  /** The status of any call, with an empty request unless given; CANCELLED for a stream that has begun. */
  status(call: CallKind, request: Buffer = Buffer.alloc(0)): Promise<StatusObject | ServiceError> {
    const same = (bytes: Buffer) => bytes;
    const options = { deadline: Date.now() + 15_000 };
    const none = () => {};
    return new Promise((resolve) => {
      const { path, requestStream, responseStream } = call;
      let made: EventEmitter & { cancel(): void };
      if (requestStream) {
        const stream = responseStream
          ? this.grpc.makeBidiStreamRequest(path, same, same, options)
          : this.grpc.makeClientStreamRequest(path, same, same, options, none);
        stream.end(request);
        made = stream;
      } else {
        made = responseStream
          ? this.grpc.makeServerStreamRequest(path, same, same, request, options)
          : this.grpc.makeUnaryRequest(path, same, same, request, options, none);
      }
      if (responseStream) made.on('data', () => made.cancel());
      made.on('error', none);
      made.on('status', resolve);
    });
  }
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<ServiceError> {
  try {
    await promise;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('it was expected to fail');
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
