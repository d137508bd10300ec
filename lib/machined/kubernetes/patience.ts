import { nextDelay } from '../../base/back-off.js';
import { errorMessage } from '../../base/errors.js';
import type { EngineEffects } from './effects.js';

/** Waiting for what does not work yet, in a way that a whole cluster of nodes can do at the same time. */
export class Patience {
  constructor(private readonly effects: Pick<EngineEffects, 'tell' | 'sleep' | 'random' | 'nowMs'>) {}

  /**
   * Until it succeeds. What fails is told, and tried again after a while that grows.
   * @param what  has failed then: 'images cannot be imported'
   * @throws  the reason of the signal, and nothing else
   */
  async persist<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { effects } = this;
    for (let delayMs = 0; ; ) {
      signal.throwIfAborted();
      const startedMs = effects.nowMs();
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        delayMs = nextDelay(delayMs, effects.nowMs() - startedMs);
        effects.tell({ text: `${what}: ${errorMessage(error)}`, isProblem: true });
      }
      await this.pause(delayMs, signal);
    }
  }

  /** More or less so long: nodes that wait for the same thing do not all ask at once. */
  pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.effects.sleep(ms * (0.75 + this.effects.random() / 2), signal);
  }
}
