/** GUIDs that are the same in every build of the same thing. */
import { createHash } from 'node:crypto';

/** The GUID for a purpose, in upper case as partition tables are shown with. */
export function stableGuid(...purpose: readonly string[]): string {
  const hash = createHash('sha256').update(purpose.join('\0')).digest();
  // Version 8 (RFC 9562: made in a way of one's own), variant 10.
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex', 0, 16).toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
