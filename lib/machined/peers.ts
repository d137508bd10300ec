import type { ControlEvent } from '../control/protocol.js';
import type { ServerConnection } from '../control/server.js';

/** The connections of those who ask us for things, to tell them what they did not ask for. */
export class Peers {
  private readonly connections = new Set<ServerConnection>();

  add(connection: ServerConnection): void {
    this.connections.add(connection);
    connection.onClose(() => this.connections.delete(connection));
  }

  /** Whoever does not read learns it with the next connection. */
  tell(event: ControlEvent): void {
    for (const connection of this.connections) connection.sendEvent(event);
  }
}
