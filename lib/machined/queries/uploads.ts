import { KIB } from '../../base/units.js';
import { MAX_CONFIG_REQUEST_BYTES } from '../../config/size.js';
import { ControlError } from '../../control/errors.js';
import type { QueryRequest } from '../../control/protocol.js';
import type { ServerConnection } from '../../control/server.js';

/** Of one request; the largest that there is carries a machine config. */
export const MAX_UPLOAD_BYTES = MAX_CONFIG_REQUEST_BYTES;
/** Of one connection: what is begun and never asked for must not fill our memory. */
const MAX_UPLOADS = 4;

interface Upload {
  parts: Uint8Array[];
  bytes: number;
}

/** Requests that do not fit a frame, while they arrive; they end with their connection. */
export class Uploads {
  private readonly byConnection = new Map<ServerConnection, Map<number, Upload>>();

  /** @throws ControlError INVALID_ARGUMENT · RESOURCE_EXHAUSTED, and what there was of it is dropped */
  add(connection: ServerConnection, number: number, data: Uint8Array): void {
    if (number < 1) throw new ControlError('INVALID_ARGUMENT', 'uploads are numbered from 1');
    const uploads = this.of(connection);
    const upload = uploads.get(number) ?? { parts: [], bytes: 0 };
    if (!uploads.has(number) && uploads.size >= MAX_UPLOADS) {
      throw new ControlError('RESOURCE_EXHAUSTED', `more than ${MAX_UPLOADS} large requests at once`);
    }
    upload.bytes += data.length;
    if (upload.bytes > MAX_UPLOAD_BYTES) {
      uploads.delete(number);
      throw new ControlError('RESOURCE_EXHAUSTED', `the request is larger than ${MAX_UPLOAD_BYTES / KIB} KiB`);
    }
    // The frame that it came in is not kept.
    upload.parts.push(Uint8Array.from(data));
    uploads.set(number, upload);
  }

  /** The request, wherever it is; an upload is there once. */
  requestOf(
    connection: ServerConnection,
    { request, upload: number }: Pick<QueryRequest, 'request' | 'upload'>,
  ): Uint8Array {
    if (number === 0) return request;
    const uploads = this.of(connection);
    const upload = uploads.get(number);
    uploads.delete(number);
    if (!upload) throw new ControlError('INVALID_ARGUMENT', `there is no upload ${number}`);
    return Buffer.concat(upload.parts);
  }

  private of(connection: ServerConnection): Map<number, Upload> {
    const known = this.byConnection.get(connection);
    if (known) return known;
    const own = new Map<number, Upload>();
    this.byConnection.set(connection, own);
    connection.onClose(() => this.byConnection.delete(connection));
    return own;
  }
}
