/**
 * Which container runtime an image has: a row of rootfs/runtimes.json, which a Kubernetes release asks for. A row says which packages of the
 * image come from which suites of Debian, and in which version of its format containerd's configuration is written; all else is the same.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { TalosError } from '../base/errors.js';

/** One row. */
export interface ContainerRuntime {
  /** As 'containerd-1.7'. */
  readonly name: string;
  /** It is what an image has that asks for none. */
  readonly isDefault: boolean;
  /** Where {@link packages} come from. */
  readonly suites: readonly string[];
  /** Everything that the row takes from there; the rest of the image does not depend on the row. */
  readonly packages: readonly string[];
  /** `version` of config.toml: the file is rootfs/files/etc/containerd/config-v<version>.toml. */
  readonly configVersion: number;
  /** Which Kubernetes it is for. */
  readonly why: string;
}

const FILE = 'rootfs/runtimes.json';

function fail(problem: string): never {
  throw new TalosError('ERR_MANIFEST', `${FILE}: ${problem}`);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '');

/**
 * Reads the table.
 * @param json  content of the file
 * @returns the rows as they are listed
 * @throws TalosError ERR_MANIFEST naming what is wrong in which row
 */
export function parseRuntimes(json: string): ContainerRuntime[] {
  const document = JSON.parse(json) as { default?: unknown; runtimes?: Record<string, Record<string, unknown>> };
  const rows = Object.entries(document.runtimes ?? {}).map(([name, row]) => {
    const { suites, packages, configVersion, why } = row;
    // It is part of file names, and of names in the cache.
    if (!/^[a-z][a-z0-9.-]*$/.test(name)) fail(`"${name}" is no name of a runtime`);
    if (!isTexts(suites)) fail(`${name}: "suites" must name suites of Debian`);
    if (!isTexts(packages)) fail(`${name}: "packages" must name packages`);
    if (!Number.isInteger(configVersion)) fail(`${name}: "configVersion" must be a whole number`);
    if (typeof why !== 'string' || why === '') fail(`${name}: "why" must say what it is for`);
    return { name, isDefault: name === document.default, suites, packages, configVersion: Number(configVersion), why };
  });
  if (!rows.some((row) => row.isDefault)) fail('"default" must name one of the runtimes');
  return rows;
}

/** All rows of a checkout. */
export async function readRuntimes(root: string): Promise<ContainerRuntime[]> {
  return parseRuntimes(await readFile(path.join(root, FILE), 'utf8'));
}

/**
 * One row.
 * @param name  undefined: the default
 * @throws TalosError ERR_RUNTIME  there is none of that name
 */
export async function findRuntime(root: string, name?: string | undefined): Promise<ContainerRuntime> {
  const rows = await readRuntimes(root);
  const found = rows.find((row) => (name === undefined ? row.isDefault : row.name === name));
  if (found !== undefined) return found;
  const known = rows.map((row) => row.name).join(', ');
  throw new TalosError('ERR_RUNTIME', `no such container runtime: ${name}; there is ${known}`);
}
