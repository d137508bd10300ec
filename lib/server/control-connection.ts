import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SECOND_MS } from '../base/units.js';
import { CONTROL_FOLDER, CONTROL_MESSAGE, CONTROL_SOCKET } from '../control/container-socket.js';
import type { FileDescriptor, NativeAddon } from '../native/contract.js';

/** Given by init to those that it starts itself: the end of the control connection. */
const CONTROL_DESCRIPTOR = 3;
/** machined asks init in between. */
const DEADLINE_MS = 10 * SECOND_MS;

/**
 * This process's control connection to init, on its way: that of the container that it runs in, or else the one that it has inherited.
 * Connecting takes a kind of socket that the filter of a confined process forbids, so this comes before it, and what it returns after it.
 * @param folder  where a container has its socket
 * @returns waits for the connection. It rejects when the container was refused, or machined has gone; whoever starts this process tries again
 * @throws ECONNREFUSED, EAGAIN and the like  machined does not run · EBADF  descriptor 3 is not open
 */
export function findControl(
  native: Pick<NativeAddon, 'channel' | 'descriptor'>,
  folder: string = CONTROL_FOLDER,
): () => Promise<FileDescriptor> {
  if (!existsSync(folder)) {
    const inherited = native.descriptor.adopt(CONTROL_DESCRIPTOR);
    return async () => inherited;
  }
  const socket = native.channel.connect(join(folder, CONTROL_SOCKET));
  return () => receiveControl(native, socket);
}

function receiveControl({ channel }: Pick<NativeAddon, 'channel'>, socket: FileDescriptor): Promise<FileDescriptor> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      connection.close();
      settle();
    };
    const fail = (why: string, cause?: Error) =>
      end(() => reject(new Error(`no control connection for this container: ${why}`, cause && { cause })));
    const timer = setTimeout(() => fail(`machined did not answer within ${DEADLINE_MS} ms`), DEADLINE_MS);
    const connection = channel.open(
      socket,
      { maxMessageBytes: CONTROL_MESSAGE.length },
      {
        onMessage(_message, [control, ...others]) {
          for (const other of others) other.close();
          if (control) end(() => resolve(control));
          else fail('machined sent none');
        },
        onClose: (error) => fail(error?.message ?? 'machined refused it', error),
      },
    );
  });
}
