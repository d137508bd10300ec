/** A client of the Container Runtime Interface: what a kubelet asks of containerd, for tests. The messages are those of cri.proto beside this. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { errorMessage } from '../../../lib/base/errors.js';
import { checkout } from '../checkout.js';
import { seconds } from '../deadline.js';

/** A message as an object, fields in camel case, enumerations by name, numbers as numbers. */
export type Message = Record<string, unknown>;

interface MessageType {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  fromObject(value: Message): unknown;
  toObject(message: unknown, options: object): Message;
}
interface Method {
  resolvedRequestType: MessageType;
  resolvedResponseType: MessageType;
}
interface Schema {
  resolveAll(): Schema;
  lookupService(name: string): { methods: Record<string, Method> };
}

// What the node's own programs use of it is the part that reads no .proto files.
const { parse } = createRequire(import.meta.url)('protobufjs') as { parse(source: string): { root: Schema } };

const schema = parse(readFileSync(join(checkout, 'test/helpers/cri/cri.proto'), 'utf8')).root.resolveAll();
const READABLE = { longs: Number, enums: String, defaults: true };

/** Starting a container on an emulated node means starting five programs one after the other. */
const CALL_MS = seconds(120);
const LOOK_AGAIN_MS = 50;

export class CriClient implements Disposable {
  readonly #grpc: Client;

  /** @param socketPath  absolute: containerd's own, or one that leads to it */
  constructor(socketPath: string) {
    this.#grpc = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    });
  }

  /** A call of the RuntimeService. @throws ServiceError of grpc-js */
  runtime<Reply = Message>(method: string, request: Message = {}, version = 'v1'): Promise<Reply> {
    return this.#call('RuntimeService', method, request, version);
  }

  /** A call of the ImageService. @throws ServiceError of grpc-js */
  image<Reply = Message>(method: string, request: Message = {}): Promise<Reply> {
    return this.#call('ImageService', method, request, 'v1');
  }

  /** Resolves when the interface answers: containerd serves its socket a little before. @throws ServiceError when it says anything else */
  async ready(): Promise<void> {
    const until = Date.now() + CALL_MS;
    for (;;) {
      try {
        await this.runtime('Status');
        return;
      } catch (error) {
        const isYetToCome =
          (error as ServiceError).code === status.UNAVAILABLE || /not initialized/.test(errorMessage(error));
        if (!isYetToCome || Date.now() > until) throw error;
        await sleep(LOOK_AGAIN_MS);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#grpc.close();
  }

  #call<Reply>(service: string, name: string, request: Message, version: string): Promise<Reply> {
    const method = schema.lookupService(`runtime.v1.${service}`).methods[name];
    if (method === undefined) throw new Error(`cri.proto has no ${service}/${name}`);
    const { resolvedRequestType: asked, resolvedResponseType: answered } = method;
    return new Promise((resolve, reject) => {
      this.#grpc.makeUnaryRequest(
        `/runtime.${version}.${service}/${name}`,
        (value: Message) => Buffer.from(asked.encode(asked.fromObject(value)).finish()),
        (bytes: Buffer) => answered.toObject(answered.decode(bytes), READABLE) as Reply,
        request,
        { deadline: Date.now() + CALL_MS },
        (error, reply) => (error === null ? resolve(reply as Reply) : reject(error)),
      );
    });
  }
}
