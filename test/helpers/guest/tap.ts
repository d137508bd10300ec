/** Several test files as subtests of one TAP stream. */
import { Transform, type TransformCallback } from 'node:stream';

/** Indents by four spaces every line that passes, and ends the last one if the writer did not. */
export class Indent extends Transform {
  #atLineStart = true;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    // latin1 keeps every byte as it is; only newlines matter here.
    const text = chunk.toString('latin1');
    const indented = text.replace(/(?<=\n)(?=[^\n])/g, '    ');
    const prefix = this.#atLineStart && text.length > 0 && text[0] !== '\n' ? '    ' : '';
    this.#atLineStart = text.endsWith('\n');
    callback(null, Buffer.from(prefix + indented, 'latin1'));
  }

  override _flush(callback: TransformCallback): void {
    callback(null, this.#atLineStart ? undefined : '\n');
  }
}

/** The line that closes a subtest. */
export function subtestResult(
  passed: boolean,
  number: number,
  name: string,
  milliseconds: number,
  reason = '',
): string {
  const diagnostic = reason ? `  ---\n  reason: ${JSON.stringify(reason)}\n  ...\n` : '';
  return `${passed ? 'ok' : 'not ok'} ${number} - ${name.replaceAll('#', '\\#')} # time=${milliseconds.toFixed(0)}ms\n${diagnostic}`;
}
