/**
 * How a process in a container comes by its control connection. It inherits nothing of ours through containerd; instead it finds a socket in a
 * folder that is mounted into that container alone, connects, and is handed one message with one descriptor: its end of the connection to init.
 */

/** Where the folder is in the container. */
export const CONTROL_FOLDER = '/run/control';
/** The socket in it. */
export const CONTROL_SOCKET = 'socket';
/** The message says nothing: what counts travels beside it. */
export const CONTROL_MESSAGE = Buffer.from([1]);
