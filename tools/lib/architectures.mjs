// The architectures that images are made for, for commands that run before anything is compiled (else: lib/image/architecture.ts).
import { UsageError } from './failure.mjs';

/** Debian's name by Node's. */
const names = { x64: 'amd64', arm64: 'arm64' };

/** All of them, by Debian's names. */
export const architectures = Object.values(names);

/** What is built and booted where nobody asks for another. */
export const defaultArchitecture = 'amd64';

/** @returns {string | undefined} Debian's name of this machine's; undefined where it is none of them */
export const architectureOfHost = () => names[process.arch];

/**
 * Node's name of an architecture, as prebuilds are called.
 * @param {string} architecture Debian's name
 * @returns {string}
 */
export const nodeNameOf = (architecture) => Object.keys(names).find((name) => names[name] === architecture);

/** @returns {string} of the nodes that tests boot: what TALOS_TEST_ARCH names */
export const testedArchitecture = () => parseArchitecture(process.env.TALOS_TEST_ARCH || undefined);

/**
 * What an option `--arch` says.
 * @param {string} [text]
 * @returns {string}
 */
export function parseArchitecture(text = defaultArchitecture) {
  if (architectures.includes(text)) return text;
  throw new UsageError(`--arch ${text}: there are ${architectures.join(', ')}`);
}
