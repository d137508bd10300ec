// What `npm run image` can be asked for: known before anything is compiled, so that a slip is told before minutes of building. What it
// means is lib/image/release-main.ts' business; test/unit/tools/arguments.test.ts sees that the two agree.
import { parseArgs } from 'node:util';
import { parseArchitecture } from './architectures.mjs';
import { UsageError } from './failure.mjs';

const options = {
  arch: { type: 'string' },
  format: { type: 'string', default: 'raw' },
  profile: { type: 'string', default: 'default' },
  source: { type: 'string' },
  runtime: { type: 'string' },
  kubernetes: { type: 'string' },
  'kubernetes-source': { type: 'string' },
  'kubernetes-directory': { type: 'string' },
  output: { type: 'string' },
  help: { type: 'boolean', default: false },
};
const known = { format: ['raw', 'uki', 'initramfs'], profile: ['default', 'metal'] };

/** For a checkout in which nothing is compiled yet; else the image builder has more to say. */
export const imageUsage = `usage: npm run image -- [--arch amd64|arm64] [--format ${known.format.join('|')}] [--profile ${known.profile.join('|')}]
  [--source FOLDER|TARBALL] [--runtime NAME] [--output DIR]
  [--kubernetes VERSION [--kubernetes-source NAME] [--kubernetes-directory FOLDER]]
docs/image.md explains them.
`;

/**
 * @param {string[]} argv
 * @returns {{arch: string, help: boolean}}
 * @throws {UsageError}
 */
export function imageArguments(argv) {
  const { values } = parseArgs({ args: argv, options });
  if (values.help) return { arch: parseArchitecture(), help: true };
  const arch = parseArchitecture(values.arch);
  for (const [name, choices] of Object.entries(known)) {
    if (!choices.includes(values[name]))
      throw new UsageError(`--${name} ${values[name]}: there is ${choices.join(', ')}`);
  }
  for (const name of ['source', 'output']) if (values[name] === '') throw new UsageError(`--${name} needs a path`);
  const needing = ['kubernetes-source', 'kubernetes-directory'].filter((name) => values[name] !== undefined);
  if (needing.length > 0 && values.kubernetes === undefined) {
    throw new UsageError(`--${needing[0]} needs a version: --kubernetes VERSION`);
  }
  return { arch, help: false };
}
