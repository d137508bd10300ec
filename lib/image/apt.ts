/**
 * Fetching Debian packages without touching the machine: private sources, lists and caches, so neither root rights nor a change of
 * the machine's configuration are needed, and packages of another release or architecture never mix with the host's.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from '../base/build-cache.js';
import { errorMessage, TalosError } from '../base/errors.js';
import { type AptSource, parseDeb822Sources, parseOneLineSources, stanzaFor } from './apt-sources.js';
import { runCommand } from './run-command.js';

/** A package file that was fetched. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** The source package that it was built from. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Its `Depends` field; '' for none. */
  readonly depends: string;
  readonly sha256: string;
  /** Absolute path of the .deb. */
  readonly file: string;
}

const SOURCES_HINT =
  'images are built from Debian packages: configure a Debian mirror for this machine (sources.list(5)), see that `apt-get update` works';

/** A suite has one version of a package, and -security replaces it with every update. */
const GONE_HINT =
  'the mirror reads well, and has another version by now: update this checkout, or move the pin to the version that there is (for the kernel kernel/source.json; --source builds another one)';

/** The machine's own sources. */
export async function machineSources(): Promise<AptSource[]> {
  const answer = await runCommand([
    'apt-config',
    'shell',
    'LIST',
    'Dir::Etc::sourcelist/f',
    'PARTS',
    'Dir::Etc::sourceparts/d',
  ]);
  const list = /^LIST='(.*)'$/m.exec(answer)?.[1] ?? '/etc/apt/sources.list';
  const parts = /^PARTS='(.*)'$/m.exec(answer)?.[1] ?? '/etc/apt/sources.list.d/';
  const files = existsSync(list) ? [list] : [];
  if (existsSync(parts)) files.push(...(await readdir(parts)).sort().map((name) => path.join(parts, name)));
  const sources: AptSource[] = [];
  for (const file of files) {
    if (file.endsWith('.sources')) sources.push(...parseDeb822Sources(await readFile(file, 'utf8')));
    else if (file.endsWith('.list')) sources.push(...parseOneLineSources(await readFile(file, 'utf8')));
  }
  return sources;
}

/** A source package that was fetched. */
export interface DebianSource {
  /** Absolute paths: the .dsc file, and what it names. */
  readonly description: string;
  readonly files: readonly string[];
}

/** An apt that sees one suite of the machine's mirror, for one architecture. */
export class PrivateApt {
  private constructor(
    private readonly folder: string,
    private readonly suites: readonly string[],
    private readonly options: readonly string[],
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  /**
   * Sets it up in `folder` and reads the package lists.
   * @param options.withSources  {@link downloadSource} is going to be asked: the lists of source packages are large
   * @throws TalosError ERR_NO_MIRROR when the machine has no Debian source to derive a suite from
   */
  static async open(
    folder: string,
    suites: readonly string[],
    architecture: string,
    { withSources = false }: { withSources?: boolean } = {},
  ): Promise<PrivateApt> {
    const sources = await machineSources();
    const stanzas = suites.map((suite) => {
      const stanza = stanzaFor(suite, sources, withSources);
      if (stanza === undefined) {
        throw new TalosError('ERR_NO_MIRROR', `this machine's apt has no source that ${suite} could be found beside`, {
          hint: SOURCES_HINT,
        });
      }
      return stanza;
    });
    for (const part of ['sources', 'lists/partial', 'cache/archives/partial']) {
      await mkdir(path.join(folder, part), { recursive: true });
    }
    await writeFile(path.join(folder, 'sources', 'talos.sources'), stanzas.join('\n'));
    const configuration = path.join(folder, 'apt.conf');
    await writeFile(configuration, `#clear APT::Architectures;\nAPT::Architectures { "${architecture}"; };\n`);
    const apt = new PrivateApt(folder, suites, optionsFor(folder, architecture), { APT_CONFIG: configuration });
    await apt.run(['update', '-o', 'APT::Update::Error-Mode=any']);
    return apt;
  }

  /**
   * Downloads packages, each given as `name` (the newest) or `name=version`, into `target`. apt checks them against the signed lists.
   * @throws TalosError ERR_NO_PACKAGE naming what the mirror does not have
   */
  async download(wanted: readonly string[], target: string): Promise<DebianPackage[]> {
    const packages: DebianPackage[] = [];
    for (const each of wanted) {
      const fetched = await this.fetch(each, ['download', each], target);
      const name = fetched.find((candidate) => candidate.endsWith('.deb'));
      if (name === undefined) throw new TalosError('ERR_NO_PACKAGE', `apt-get download ${each} left no file`);
      const file = path.join(target, name);
      const format = '${Package}\n${Version}\n${source:Package}\n${source:Version}\n${Depends}\n';
      const fields = await runCommand(['dpkg-deb', `--showformat=${format}`, '--show', file]);
      const [packageName = each, version = '', source = '', sourceVersion = '', depends = ''] = fields.split('\n');
      const sha256 = await hashFile(file);
      packages.push({ name: packageName, version, source, sourceVersion, depends, sha256, file });
    }
    return packages;
  }

  /**
   * Downloads a source package, given as `name=version`, into `target`, without unpacking it. apt checks it against the signed lists.
   * @throws TalosError ERR_NO_PACKAGE when the mirror does not have it
   */
  async downloadSource(wanted: string, target: string): Promise<DebianSource> {
    const fetched = await this.fetch(wanted, ['source', '--download-only', wanted], target);
    const description = fetched.find((name) => name.endsWith('.dsc'));
    if (description === undefined) throw new TalosError('ERR_NO_PACKAGE', `apt-get source ${wanted} left no .dsc file`);
    const others = fetched.filter((name) => name !== description);
    return { description: path.join(target, description), files: others.map((name) => path.join(target, name)) };
  }

  /** @returns names of the files that came */
  private async fetch(wanted: string, argv: readonly string[], target: string): Promise<string[]> {
    const before = new Set(await readdir(target));
    try {
      await this.run(argv, target);
    } catch (error) {
      const said = complaints(error);
      throw new TalosError('ERR_NO_PACKAGE', `cannot fetch ${wanted} from ${this.suites.join(' or ')}: ${said}`, {
        hint: /was not found/.test(said) ? GONE_HINT : SOURCES_HINT,
        cause: error,
      });
    }
    return (await readdir(target)).filter((name) => !before.has(name)).sort();
  }

  private run(argv: readonly string[], cwd = this.folder): Promise<string> {
    return runCommand(['apt-get', '-q', ...this.options, ...argv], { cwd, env: this.environment });
  }
}

/**
 * What apt-get is told by options, since the machine's own configuration, whose proxies and passwords are wanted, is read behind the file
 * that APT_CONFIG names, and wins over it.
 */
function optionsFor(folder: string, architecture: string): string[] {
  const settings = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${path.join(folder, 'sources')}`,
    `Dir::State::lists=${path.join(folder, 'lists')}`,
    `Dir::Cache=${path.join(folder, 'cache')}`,
    `Dir::Cache::archives=${path.join(folder, 'cache', 'archives')}`,
    `APT::Architecture=${architecture}`,
    // As another user apt could not write into our folder.
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    // Whatever the machine allows for itself: what goes into images was signed.
    'APT::Get::AllowUnauthenticated=false',
    'Acquire::AllowInsecureRepositories=false',
    'Acquire::AllowWeakRepositories=false',
    'Acquire::AllowDowngradeToInsecureRepositories=false',
  ];
  return settings.flatMap((setting) => ['-o', setting]);
}

/** What apt says is wrong; all that it said where it is none of apt's errors. */
function complaints(error: unknown): string {
  const errors = errorMessage(error).match(/^\s*E: .*$/gm) ?? [];
  return errors.length > 0 ? errors.map((line) => line.trim().slice('E: '.length)).join('; ') : errorMessage(error);
}

/** Unpacks a package's files into `folder`, without running anything from it. */
export async function unpackPackage(file: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runCommand(['dpkg-deb', '--extract', file, folder]);
}
