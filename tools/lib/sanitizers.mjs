// What programs with sanitizers need around them.
import { readFileSync } from 'node:fs';

/** The most bits of randomness in addresses that the sanitizers of Debian 12's compilers can place their shadow memory beside. */
const mostBits = 28;

/**
 * Words in front of a command that has sanitizers in it: with more random bits than they know (newer kernels' default), they end
 * at the start now and then.
 * @returns {string[]}
 */
export function withoutAddressRandomisation() {
  try {
    const bits = Number(readFileSync('/proc/sys/vm/mmap_rnd_bits', 'utf8'));
    return bits > mostBits ? ['setarch', '--addr-no-randomize'] : [];
  } catch {
    return [];
  }
}
