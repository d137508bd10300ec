/** Text from elsewhere on its way to a terminal: a log must not move the cursor, change the title or answer for the user. */
import { StringDecoder } from 'node:string_decoder';

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const UNSAFE_IN_LINE = /[\x00-\x1f\x7f-\x9f]/g;

const visible = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** Makes control characters visible, line ends and tabs too: for a cell of a table or a message. */
export function printable(text: string): string {
  return text.replace(UNSAFE_IN_LINE, visible);
}

/** Makes control characters of a byte stream visible, except line ends and tabs; characters cut by a chunk's end stay whole. */
export class TerminalFilter {
  private readonly decoder = new StringDecoder('utf8');

  text(bytes: Uint8Array): string {
    return this.decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).replace(UNSAFE, visible);
  }
}
