import { SECOND_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import type { IpParameter } from '../os/ip-parameter.js';
import { NETWORKD_ID } from './allow-list.js';
import type { Clock } from './clock.js';
import type { ServiceManager } from './service-manager.js';

/** As much as PID 1 keeps of what the config says about the network; it does not look into it. */
const MAX_DOCUMENT_BYTES = 48 * 1024;
/** Behind the first moment at which a client may ask: what it asks comes first. */
const AFTER_LISTENING_MS = 2 * SECOND_MS;
/** Something keeps the API from coming up; it may be the network, or the clock. */
const WITHOUT_LISTENING_MS = 10 * SECOND_MS;

/**
 * What networkd is to do, and when it is started: at once where the node has no address without it, otherwise when the API is up, since one
 * more process of Node takes a good second of an emulated processor.
 */
export class NetworkWishes {
  private text: Uint8Array = new Uint8Array();
  private hasAddress = false;
  /** Whether there is nothing more urgent to do. */
  private isTime = false;
  private cancel = (): void => {};
  private deadline: number | undefined;

  /** @param start  starts networkd unless it runs, or tells it that there is another document if it does */
  constructor(
    private readonly clock: Clock,
    private readonly start: () => void,
  ) {}

  /**
   * What the kernel command line says.
   * @returns whether networkd belongs to this boot, whatever the config says
   */
  decide(ip: IpParameter | undefined): boolean {
    this.hasAddress = ip?.kind === 'static';
    return ip?.kind === 'dhcp';
  }

  get document(): Uint8Array {
    return this.text;
  }

  /**
   * What the config says.
   * @param isUrgent  the clock is wrong, and something waits for it
   * @throws ControlError INVALID_ARGUMENT when it is too long
   */
  set(document: Uint8Array, isUrgent: boolean): void {
    if (document.length > MAX_DOCUMENT_BYTES) throw new ControlError('INVALID_ARGUMENT', 'the document is too long');
    this.text = document;
    if (isUrgent) this.isTime = true;
    if (!this.hasAddress || this.isTime) this.start();
    else this.startBy(WITHOUT_LISTENING_MS);
  }

  /** The API is up. */
  listening(): void {
    if (this.isTime) return;
    // Nobody waits for networkd before there is a config.
    if (this.text.length === 0) this.isTime = true;
    else if (this.hasAddress) this.startBy(AFTER_LISTENING_MS);
  }

  private startBy(delayMs: number): void {
    const at = this.clock.monotonicMs() + delayMs;
    if (this.deadline !== undefined && this.deadline <= at) return;
    this.cancel();
    this.deadline = at;
    this.cancel = this.clock.after(delayMs, () => {
      this.isTime = true;
      this.start();
    });
  }
}

/** What `start` of NetworkWishes does. The event is for a networkd that runs; one that does not asks when it starts. */
export function startOrTell(services: Pick<ServiceManager, 'request' | 'find'> | undefined): void {
  services?.request(NETWORKD_ID, 'START');
  services?.find(NETWORKD_ID).connection?.sendEvent({ kind: 'networkWanted' });
}
