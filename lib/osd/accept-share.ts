/** In one second: more than clients that somebody uses ever open, and a small part of what a flood brings. */
const RUSH_PER_SECOND = 50;
/** Each look at which there was time left: all is as before after two calm seconds. */
const GAIN = 0.05;

/**
 * How much of the rates at which connections come in there is time for, 0 to 1.
 *
 * It becomes less only while connections themselves come in a rush. What else keeps the process busy, logs that are streamed to several
 * clients above all, is no reason to turn anybody away.
 */
export class AcceptShare {
  private share = 1;
  private attempts = 0;

  /** @param minimum  not below this, however busy the process is */
  constructor(private readonly minimum: number) {}

  get value(): number {
    return this.share;
  }

  /** Somebody has connected, whether he is let in or not. */
  attempted(): void {
    this.attempts += 1;
  }

  /**
   * To be called about ten times a second.
   * @param isOverloaded  whether there was more to do since the last call than there was time
   * @param seconds  since the last call
   */
  look(isOverloaded: boolean, seconds: number): void {
    const isRush = this.attempts > RUSH_PER_SECOND * seconds;
    this.attempts = 0;
    const share = isOverloaded && isRush ? this.share / 2 : this.share + GAIN;
    this.share = Math.min(Math.max(share, this.minimum), 1);
  }
}
