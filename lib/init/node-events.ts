import { eventId } from '../base/event-id.js';
import { encodeReply } from '../control/codec.js';
import type { NodeEvent, NodeEventPayload } from '../control/node-event.js';
import { MAX_FRAME_BYTES } from '../control/protocol.js';
import type { ServerConnection } from '../control/server.js';
import type { Clock } from './clock.js';

/** Tells whoever follows the node; never blocks, never throws. `actorId` names what was asked for over the API. */
export type Publish = (payload: NodeEventPayload, actorId?: string) => void;

const MAX_EVENTS = 1000;
/** What others have said becomes part of events: one must fit a frame many times over. */
const MAX_TEXT_CHARACTERS = 500;
/** Of one reply, if they fit. */
const MAX_READ = 256;
const FRAME_MARGIN_BYTES = 16;
const BOOT_ID_BITS = 40;

/** The newest things that happened on the node, numbered without gaps, and who waits for more. */
export class NodeEvents {
  private readonly events: NodeEvent[] = [];
  /** Only has to differ from that of other boots: node:crypto would be a seventh of what PID 1 loads. */
  private readonly bootId = BigInt(Math.floor(Math.random() * 2 ** BOOT_ID_BITS));
  private sequence = 0;
  private seconds = 0;
  /** Those that have read all there is. */
  private readonly waiting = new Set<ServerConnection>();
  private readonly known = new WeakSet<ServerConnection>();

  constructor(private readonly clock: Clock) {}

  readonly publish: Publish = (payload, actorId = '') => {
    const timeMs = this.clock.wallMs();
    // Ids stay in order when the wall clock is set back.
    this.seconds = Math.max(this.seconds, Math.floor(timeMs / 1000));
    this.sequence += 1;
    const id = eventId(this.seconds, this.bootId, this.sequence);
    this.events.push({ sequence: this.sequence, id, actorId, timeMs, payload: cut(payload) });
    if (this.events.length > MAX_EVENTS) this.events.shift();
    for (const connection of this.waiting) {
      // One that does not take it is told with the next event.
      if (connection.sendEvent({ kind: 'eventsPublished' })) this.waiting.delete(connection);
    }
  };

  /** Events after a sequence number, as many as fit a reply. With none the connection is told when there are more. */
  read(connection: ServerConnection, after: number): NodeEvent[] {
    const [oldest] = this.events;
    const from = oldest === undefined ? 0 : Math.max(0, after + 1 - oldest.sequence);
    let found = this.events.slice(from, from + MAX_READ);
    while (encodeReply(1, 'readEvents', { events: found }).length > MAX_FRAME_BYTES - FRAME_MARGIN_BYTES) {
      found = found.slice(0, Math.ceil(found.length / 2));
    }
    if (found.length === 0) this.wait(connection);
    return found;
  }

  private wait(connection: ServerConnection): void {
    this.waiting.add(connection);
    if (this.known.has(connection)) return;
    this.known.add(connection);
    connection.onClose(() => this.waiting.delete(connection));
  }
}

function cut(payload: NodeEventPayload): NodeEventPayload {
  const text = (value: string) =>
    value.length > MAX_TEXT_CHARACTERS ? `${value.slice(0, MAX_TEXT_CHARACTERS - 1)}…` : value;
  switch (payload.kind) {
    case 'service':
      return { ...payload, message: text(payload.message), healthMessage: text(payload.healthMessage) };
    case 'sequence':
    case 'config-not-loaded':
    case 'config-not-valid':
      return { ...payload, error: text(payload.error) };
    case 'machine-status':
      return { ...payload, unmet: payload.unmet.map(({ name, reason }) => ({ name, reason: text(reason) })) };
    default:
      return payload;
  }
}
