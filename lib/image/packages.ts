/** Debian packages that images take files from: fetched from the release below or another, unpacked, never installed. */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, cacheFolder, type Progress } from '../base/build-cache.js';
import { errorCode, errorMessage } from '../base/errors.js';
import { DAY_MS } from '../base/units.js';
import { PrivateApt, unpackPackage } from './apt.js';
import type { Architecture } from './architecture.js';
import { type DeclaredLicence, declaredLicence } from './debian-licence.js';

/** The files of the image come from this release, whatever the host runs; a container runtime may come from another one (runtimes.ts). */
export const IMAGE_SUITES = ['trixie', 'trixie-security'];
/** How long packages are used before the mirror is asked for newer ones. */
const REFRESH_MS = 14 * DAY_MS;
const RECORD_NAME = 'packages.json';

/** What was fetched; recorded in the image's manifest. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  /** The source package that it was built from. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Its `Depends` field; unknown of packages that an older version of this program fetched. */
  readonly depends?: string | undefined;
  readonly sha256: string;
  /** What its copyright file declares, where a machine can read that. */
  readonly licence?: DeclaredLicence | undefined;
}

/** Unpacked packages. */
export interface Packages {
  /** Folder with one folder a package. */
  readonly folder: string;
  readonly records: readonly PackageRecord[];
}

/**
 * Fetches the newest versions of `names`, at most every two weeks. When that fails the latest of the older sets does.
 * @param options.suites  where from, if not from the image's own; named in the order of sources.list(5)
 * @param options.now  time of day in milliseconds
 */
export async function fetchPackages(
  names: readonly string[],
  arch: Architecture,
  onProgress: Progress,
  { suites = IMAGE_SUITES, now = Date.now() }: { suites?: readonly string[]; now?: number } = {},
): Promise<Packages> {
  // Of one architecture and release: an older set that stands in for what cannot be fetched must not be another's.
  const isOwn = suites.join() === IMAGE_SUITES.join();
  const kind = isOwn ? `packages-${arch}` : `packages-${suites[0]}-${arch}`;
  const sorted = [...names].sort();
  const period = Math.floor(now / REFRESH_MS);
  const request = (at: number) => ({ recipe: 3, names: sorted, arch, suites, period: at });
  try {
    const folder = await cached({
      kind,
      inputs: request(period),
      onProgress,
      make: async (made) => {
        onProgress(`fetching ${sorted.length} Debian packages`);
        const aptFolder = path.join(made, 'apt');
        const archives = path.join(made, 'archives');
        await mkdir(archives, { recursive: true });
        const apt = await PrivateApt.open(aptFolder, suites, arch);
        const packages = await apt.download(sorted, archives);
        for (const { name, file } of packages) await unpackPackage(file, path.join(made, name));
        const records: PackageRecord[] = [];
        for (const { file: _, ...each } of packages) {
          records.push({ ...each, licence: await licenceOf(path.join(made, each.name), each.name) });
        }
        await writeFile(path.join(made, RECORD_NAME), `${JSON.stringify(records, undefined, 2)}\n`);
        await rm(aptFolder, { recursive: true });
        await rm(archives, { recursive: true });
      },
    });
    return await readPackages(folder);
  } catch (error) {
    const older = await olderPackages(path.join(cacheFolder(), kind), sorted);
    if (older === undefined || errorCode(error) === 'ERR_CACHE_WRITE') throw error;
    const day = new Date(older.fetchedMs).toISOString().slice(0, 10);
    onProgress(`packages cannot be fetched, so those of ${day} are used: ${briefly(error)}`);
    return older.packages;
  }
}

/** Many packages share the documentation of another one, which is not fetched; theirs is not known. */
async function licenceOf(folder: string, name: string): Promise<DeclaredLicence | undefined> {
  const file = path.join(folder, 'usr', 'share', 'doc', name, 'copyright');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : declaredLicence(text);
}

async function readPackages(folder: string): Promise<Packages> {
  const records = JSON.parse(await readFile(path.join(folder, RECORD_NAME), 'utf8')) as PackageRecord[];
  return { folder, records };
}

/** What apt says is wrong; of other failures the first line. */
function briefly(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : undefined].filter((each) => each !== undefined);
  const lines = causes.flatMap((cause) => errorMessage(cause).split('\n'));
  return (lines.find((line) => /^\s*E: /.test(line)) ?? lines[0] ?? '').trim();
}

/** Of earlier sets of the same packages the one that was fetched last; an entry's own time is that of its last use. */
async function olderPackages(
  kindFolder: string,
  sorted: readonly string[],
): Promise<{ packages: Packages; fetchedMs: number } | undefined> {
  let newest: { packages: Packages; fetchedMs: number } | undefined;
  for (const name of await readdir(kindFolder).catch(() => [])) {
    if (name.includes('.')) continue;
    const folder = path.join(kindFolder, name);
    const found = await readPackages(folder).catch(() => undefined);
    const names = found?.records.map((record) => record.name).sort();
    // An older version of this program did not ask for the source.
    const isComplete = found?.records.every((record) => record.source !== undefined);
    if (found === undefined || !isComplete || names?.join() !== sorted.join()) continue;
    const { mtimeMs: fetchedMs } = await stat(path.join(folder, RECORD_NAME));
    if (newest === undefined || fetchedMs > newest.fetchedMs) newest = { packages: found, fetchedMs };
  }
  return newest;
}
