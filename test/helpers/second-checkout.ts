/** The sources once more in another folder, with a build cache of their own: for tests that build everything a second time. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../lib/base/build-cache.js';
import { checkout } from './checkout.js';

/** What is not built again: it is fetched, or takes minutes. */
const SHARED = [
  ...['kernel', 'kernel-source', 'packages-amd64', 'packages-arm64', 'node-package'],
  ...[
    'packages-bookworm-amd64',
    'packages-bookworm-arm64',
    'kubernetes-source',
    'kubernetes-packages',
    'kubernetes-programs',
  ],
];

/**
 * A copy of what git tracks, as it is in the working folder; packages and what was compiled are those of this checkout.
 * @param options.isBuiltAnew  nothing is compiled there yet
 */
export function secondCheckout(folder: string, options: { isBuiltAnew?: boolean } = {}): string {
  const root = path.join(folder, 'another', 'checkout');
  const tracked = execFileSync('git', ['-C', checkout, 'ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  for (const file of tracked.filter((each) => each !== '' && existsSync(path.join(checkout, each)))) {
    cpSync(path.join(checkout, file), path.join(root, file));
  }
  for (const name of options.isBuiltAnew ? ['node_modules'] : ['node_modules', 'out'])
    symlinkSync(path.join(checkout, name), path.join(root, name));
  return root;
}

/**
 * Runs `work` with an empty cache in `folder`, but for what is shared with the real one.
 * @param options.without  kinds of things that are not shared this time
 */
export async function withSecondCache<T>(
  folder: string,
  work: () => Promise<T>,
  options: { without?: readonly string[] } = {},
): Promise<T> {
  const own = cacheFolder();
  const second = path.join(folder, 'another', 'cache');
  mkdirSync(path.join(second, 'talos'), { recursive: true });
  for (const name of SHARED.filter((each) => !options.without?.includes(each))) {
    const kind = path.join(own, name);
    if (existsSync(kind)) symlinkSync(kind, path.join(second, 'talos', name));
  }
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = second;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
}
