import type { FileDescriptor, LogRing, RingSubscription } from '../../lib/native/contract.js';

/** What PID 1 does for the readers of its services' logs, for programs that play PID 1: see `openLog` of lib/control/protocol.ts. */
export class LogSubscriptions {
  private readonly open = new Map<number, RingSubscription>();
  private last = 0;

  /** Subscriptions that nobody has ended. */
  get count(): number {
    return this.open.size;
  }

  /** The memory of the ring, and for a follower a doorbell. */
  subscribe(ring: LogRing, follow: boolean): { body: { subscription: number }; descriptors: FileDescriptor[] } {
    const subscription = ring.subscribe();
    if (!follow) {
      subscription.end();
      subscription.doorbell.close();
      return { body: { subscription: 0 }, descriptors: [subscription.memory] };
    }
    const number = ++this.last;
    this.open.set(number, subscription);
    return { body: { subscription: number }, descriptors: [subscription.memory, subscription.doorbell] };
  }

  end(number: number): void {
    this.open.get(number)?.end();
    this.open.delete(number);
  }
}
