/** Files of /proc as our own kernel shows them, on both architectures (in the test guest). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../../../test/fixtures/proc/', import.meta.url));

export function fixture(architecture: 'x86_64' | 'arm64', name: string): string {
  return readFileSync(`${folder}${architecture}/${name}`, 'utf8');
}
