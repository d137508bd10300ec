import type { ServiceEvent } from '../control/protocol.js';
import type { Clock } from './clock.js';

const MAX_EVENTS = 64;
/** A last log line may be part of the message; 64 of them must still fit a frame beside those of other services. */
const MAX_MESSAGE_CHARACTERS = 200;

/** The newest things that happened to a service. */
export class EventList {
  private readonly events: ServiceEvent[] = [];
  private readonly createdMs: number;

  constructor(private readonly clock: Clock) {
    this.createdMs = clock.wallMs();
  }

  get lastChangeMs(): number {
    return this.events.at(-1)?.timeMs ?? this.createdMs;
  }

  add(message: string, state: string): void {
    const text = message.length > MAX_MESSAGE_CHARACTERS ? `${message.slice(0, MAX_MESSAGE_CHARACTERS - 1)}…` : message;
    this.events.push({ message: text, state, timeMs: this.clock.wallMs() });
    if (this.events.length > MAX_EVENTS) this.events.shift();
  }

  list(): ServiceEvent[] {
    return [...this.events];
  }
}
