/** A signal that is aborted by another one, or when the time is over; nothing of it stays behind once it is cleared. */
export class Deadline {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private readonly follow = () => this.controller.abort(this.parent?.reason);

  /** @param reason  of an abort because of the time */
  constructor(
    private readonly parent: AbortSignal | undefined,
    timeoutMs: number,
    private readonly reason: () => Error,
  ) {
    if (parent?.aborted) this.follow();
    else parent?.addEventListener('abort', this.follow, { once: true });
    this.extend(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Begins anew. */
  extend(timeoutMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(this.reason()), timeoutMs);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.parent?.removeEventListener('abort', this.follow);
  }
}
