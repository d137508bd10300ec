/** Frames of HTTP/2 by hand, for clients that no library would be (RFC 9113, RFC 7541). */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const TYPE = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, windowUpdate: 8 },
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;
export const ACK = 1;

/** Length, type, flags, stream, payload. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SETTINGS_INITIAL_WINDOW_SIZE. */
export function settingsWithWindow(bytes: number): Buffer {
  return frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
}

/** A header block without compression: every field literal, none kept. */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => {
    if (value.length > 126) throw new Error('a text of more than 126 bytes needs a longer length');
    return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  };
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The headers of a call. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return headerBlock({
    ':method': 'POST',
    ':scheme': 'https',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
}

/** A message as gRPC frames it. */
export function grpcMessage(body: Uint8Array, announced = body.length): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(announced), body]);
}
