// Progress of long steps. On a terminal: one live line. Elsewhere (CI, a pipe): a line at the start and one every 15 s.
const redrawMs = 200;
const quietIntervalMs = 15_000;

/**
 * @param {number} ms
 * @returns {string} such as `8.4 s` or `3 min 05 s`
 */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** One step that is being done. */
class Step {
  /**
   * @param {string} name
   * @param {NodeJS.WriteStream} stream
   */
  constructor(name, stream) {
    this.name = name;
    this.stream = stream;
    this.started = Date.now();
    this.detail = '';
    this.live = stream.isTTY === true && process.env.CI === undefined;
    if (!this.live) stream.write(`${name} ...\n`);
    this.timer = setInterval(() => this.draw(), this.live ? redrawMs : quietIntervalMs);
    this.timer.unref();
    if (this.live) this.draw();
  }

  /**
   * What is going on now.
   * @param {string} detail one line
   * @param {number} [percent] 0-100 where a total is known
   */
  update(detail, percent) {
    const line = detail.replaceAll(/\s+/g, ' ').trim();
    this.detail = percent === undefined ? line : `${Math.floor(percent)} % ${line}`.trim();
  }

  draw() {
    const elapsed = duration(Date.now() - this.started);
    const text = `${this.name}: ${elapsed}${this.detail ? `, ${this.detail}` : ''}`;
    if (this.live) this.stream.write(`\r\u001b[K${text.slice(0, (this.stream.columns || 80) - 1)}`);
    else this.stream.write(`  ${text}\n`);
  }

  /**
   * Ends the step.
   * @param {string} outcome such as `done` or `nothing to do`
   */
  finish(outcome) {
    clearInterval(this.timer);
    if (this.live) this.stream.write('\r\u001b[K');
    this.stream.write(`${this.name}: ${outcome} (${duration(Date.now() - this.started)})\n`);
  }

  /**
   * Writes other lines in between, without the live line getting in their way.
   * @param {() => void} write
   */
  pause(write) {
    if (this.live) this.stream.write('\r\u001b[K');
    write();
    if (this.live) this.draw();
  }

  /** Ends the step without a word; the failure itself is told elsewhere. */
  abandon() {
    clearInterval(this.timer);
    if (this.live) this.stream.write('\r\u001b[K');
  }
}

/**
 * Begins a step whose end the caller tells.
 * @param {string} name
 * @returns {Step}
 */
export function startStep(name) {
  return new Step(name, process.stderr);
}

/**
 * Does one step with its progress shown on stderr.
 * @template T
 * @param {string} name
 * @param {(step: {update: (detail: string, percent?: number) => void}) => Promise<T | string | void>} work
 *   its result, when a string, is shown as the outcome
 * @returns {Promise<T | string | void>}
 */
export async function step(name, work) {
  const progress = startStep(name);
  try {
    const result = await work(progress);
    progress.finish(typeof result === 'string' ? result : 'done');
    return result;
  } catch (error) {
    progress.abandon();
    throw error;
  }
}
