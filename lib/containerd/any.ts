/** google.protobuf.Any as containerd writes it: the type's name, without an address before it. */
import type { google } from '../gen/containerd/containerd.js';

interface MessageType<Message, Properties> {
  encode(message: Properties): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** @param name  full name of the message */
export function toAny<Message, Properties>(
  name: string,
  type: MessageType<Message, Properties>,
  message: Properties,
): google.protobuf.Any.$Properties {
  return { type_url: name, value: type.encode(message).finish() };
}

/** undefined when it is of another type. */
export function fromAny<Message, Properties>(
  name: string,
  type: MessageType<Message, Properties>,
  any: google.protobuf.Any.$Properties | null | undefined,
): Message | undefined {
  const url = any?.type_url ?? '';
  if (url !== name && !url.endsWith(`/${name}`)) return undefined;
  return type.decode(any?.value ?? new Uint8Array());
}
