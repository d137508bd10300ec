import { ControlError } from '../../../control/errors.js';
import type { machine } from '../../../gen/machine/machine.js';
import { lenientNodePath } from './node-path.js';
import type { FileSources } from './read-file.js';
import type { SpecialFiles } from './special-files.js';
import { type WalkedFile, type WalkStep, walkTree } from './walk-tree.js';

type Info = machine.DiskUsageInfo.$Properties;

/**
 * DiskUsage: sizes as files tell them (a sparse file counts with its holes), a directory with all that is in it, behind what is in it.
 * A file with several names counts once; what the kernel makes up counts nothing and is not entered.
 */
export async function* diskUsage(
  sources: FileSources,
  request: machine.DiskUsageRequest.$Properties,
): AsyncGenerator<Info, void, undefined> {
  const paths = request.paths ?? [];
  if (paths.length === 0) throw new ControlError('INVALID_ARGUMENT', 'no path was given: name one at least');
  const counted = new Set<string>();
  for (const path of paths) {
    try {
      yield* usageOf(sources, request, lenientNodePath(path), counted);
    } catch (error) {
      // Of several paths the others are told all the same.
      if (paths.length === 1 || !(error instanceof ControlError)) throw error;
      yield { name: path, relativeName: path, error: error.message };
    }
  }
}

async function* usageOf(
  { files, root, special, signal }: FileSources,
  request: machine.DiskUsageRequest.$Properties,
  path: string,
  counted: Set<string>,
): AsyncGenerator<Info, void, undefined> {
  const isWanted = filterOf(request);
  /** Of the directories that the walk is in, outermost first. */
  const sums: number[] = [];
  const mayEnter = (file: WalkedFile) => !special.isMadeUp(file.status);
  const add = (size: number) => {
    if (sums.length > 0) sums[sums.length - 1] = (sums.at(-1) as number) + size;
  };
  for await (const step of walkTree(files, root, { path, mayEnter, signal })) {
    if (step.kind === 'problem') yield { name: step.path, relativeName: step.relative, error: step.text };
    else if (step.kind === 'left') {
      const size = sums.pop() as number;
      add(size);
      if (isWanted(step.file, size)) yield info(step.file, size);
    } else {
      const size = ownSize(step, special, counted);
      if (step.file.status.kind !== 'directory') {
        add(size);
        if (isWanted(step.file, size)) yield info(step.file, size);
      } else if (step.file.depth === 0 || mayEnter(step.file)) sums.push(size);
    }
  }
}

function ownSize({ file }: Extract<WalkStep, { kind: 'file' }>, special: SpecialFiles, counted: Set<string>): number {
  const { status } = file;
  if (special.isMadeUp(status)) return 0;
  if (status.kind !== 'directory' && status.links > 1) {
    if (counted.has(status.identity)) return 0;
    counted.add(status.identity);
  }
  return Math.max(status.sizeBytes, 0);
}

function filterOf({ all, recursionDepth, threshold: rawThreshold }: machine.DiskUsageRequest.$Properties) {
  const threshold = Number(rawThreshold ?? 0);
  const levels = recursionDepth && recursionDepth > 0 ? recursionDepth : Number.POSITIVE_INFINITY;
  return ({ depth, status }: WalkedFile, size: number): boolean => {
    if (depth >= levels) return false;
    if (depth > 0 && status.kind !== 'directory' && !all) return false;
    if (threshold > 0) return size >= threshold;
    return threshold === 0 || size <= -threshold;
  };
}

function info({ path, relative }: WalkedFile, size: number): Info {
  return { name: path, relativeName: relative, size };
}
