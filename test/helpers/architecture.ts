import { type Architecture, KNOWN_ARCHITECTURES } from '../../lib/image/architecture.js';

/** What booted nodes are where a test does not say: amd64, or what TALOS_TEST_ARCH names (`npm run soak` runs all tests of nodes with each). */
export const testArchitecture: Architecture = named(process.env.TALOS_TEST_ARCH || 'amd64');

function named(name: string): Architecture {
  const found = KNOWN_ARCHITECTURES.find((each) => each === name);
  if (found === undefined) throw new Error(`TALOS_TEST_ARCH=${name}: there are ${KNOWN_ARCHITECTURES.join(', ')}`);
  return found;
}
