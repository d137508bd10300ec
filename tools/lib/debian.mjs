// The Debian packages that the build needs: finds what is missing and installs it with private apt options, so that
// neither the machine's sources nor its package lists are changed. Mirrors come from the machine's own configuration.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { backportsStanza, parseDeb822, parseOneLine } from './apt-sources.mjs';
import { architectureOfHost, defaultArchitecture } from './architectures.mjs';
import { StepFailure } from './failure.mjs';
import { out, root } from './paths.mjs';
import { ask, logFileOf, run } from './run.mjs';

const stepName = 'Debian packages';
const aptDir = path.join(out, 'apt');

/**
 * What tools/debian-packages.json asks for.
 * @param {boolean} [tests] with what only tests need
 * @param {string[]} [architectures] that images are made for and nodes run in: Debian's names
 * @param {boolean} [rivals] with what only rivals of nodes are made by
 * @returns {{names: string[], minimum: string, emulators: {name: string, program: string}[]}}
 */
export function readWanted(tests = false, architectures = [defaultArchitecture], rivals = false) {
  const file = JSON.parse(readFileSync(path.join(root, 'tools', 'debian-packages.json'), 'utf8'));
  const foreign = architectures.filter((arch) => arch !== architectureOfHost());
  const cross = foreign.flatMap((arch) => file.crossPackages[arch]);
  const more = [...(tests ? file.testPackages : []), ...(rivals ? file.rivalPackages : [])];
  const names = [...file.packages, ...more, ...cross].map((each) => each.name);
  return {
    names: [...new Set(names)],
    minimum: file.qemu.minimum,
    emulators: architectures.map((arch) => file.qemu.packages[arch]),
  };
}

/**
 * Which of these packages are not installed.
 * @param {string[]} names
 * @returns {Promise<string[]>}
 */
async function missingOf(names) {
  const { stdout } = await ask(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\\n', ...names]);
  const installed = new Set();
  for (const line of stdout.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name);
  }
  return names.filter((name) => !installed.has(name));
}

/**
 * Compares two versions of the form `10.0.3`.
 * @param {string} version
 * @param {string} minimum
 * @returns {boolean} whether `version` is at least `minimum`
 */
export function isAtLeast(version, minimum) {
  const [left, right] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let at = 0; at < right.length; at++) {
    const difference = (left[at] ?? 0) - right[at];
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Whether a QEMU that is new enough is on the PATH. */
async function qemuIsUsable({ program }, minimum) {
  const { code, stdout } = await ask([program, '--version']);
  const version = /version (\d+(?:\.\d+)+)/.exec(stdout)?.[1];
  return code === 0 && version !== undefined && isAtLeast(version, minimum);
}

/** The emulators that are not there, or too old. */
async function missingEmulators({ emulators, minimum }) {
  const usable = await Promise.all(emulators.map((each) => qemuIsUsable(each, minimum)));
  return emulators.filter((_, at) => !usable[at]);
}

/** The release's codename, from os-release(5). */
function codenameOfHost() {
  try {
    return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Where the machine's apt looks for its sources. */
async function aptSourcePaths() {
  const { code, stdout } = await ask([
    'apt-config',
    'shell',
    'LIST',
    'Dir::Etc::sourcelist/f',
    'PARTS',
    'Dir::Etc::sourceparts/d',
  ]);
  if (code !== 0) {
    throw new StepFailure(stepName, 'this machine has no apt', {
      hint: `npm start installs its tools on Debian 12 and 13; elsewhere install these yourself: ${readWanted().names.join(' ')}, QEMU >= ${readWanted().minimum}`,
    });
  }
  return {
    list: /^LIST='(.*)'$/m.exec(stdout)?.[1] ?? '/etc/apt/sources.list',
    parts: /^PARTS='(.*)'$/m.exec(stdout)?.[1] ?? '/etc/apt/sources.list.d/',
  };
}

/**
 * Copies the machine's sources to a folder of our own, and adds the backports of its release.
 * @returns {Promise<{options: string[], codename: string | undefined}>} apt options that use the copy
 */
async function privateApt() {
  const codename = codenameOfHost();
  const { list, parts } = await aptSourcePaths();
  rmSync(path.join(aptDir, 'sources'), { recursive: true, force: true });
  const sourcesDir = path.join(aptDir, 'sources');
  for (const folder of [
    sourcesDir,
    path.join(aptDir, 'lists', 'partial'),
    path.join(aptDir, 'cache', 'archives', 'partial'),
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  const sources = [];
  const files = existsSync(parts) ? readdirSync(parts).map((file) => path.join(parts, file)) : [];
  for (const file of [...(existsSync(list) ? [list] : []), ...files]) {
    const isOneLine = file.endsWith('.list');
    if (!isOneLine && !file.endsWith('.sources')) continue;
    cpSync(file, path.join(sourcesDir, path.basename(file)), { dereference: true });
    sources.push(...(isOneLine ? parseOneLine : parseDeb822)(readFileSync(file, 'utf8')));
  }
  const stanza = codename && backportsStanza(sources, codename);
  if (stanza) writeFileSync(path.join(sourcesDir, 'talos-backports.sources'), stanza);
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${sourcesDir}`,
    `Dir::State::lists=${path.join(aptDir, 'lists')}`,
    `Dir::Cache=${path.join(aptDir, 'cache')}`,
    'APT::Sandbox::User=root',
    'APT::Install-Recommends=false',
    'DPkg::Lock::Timeout=300',
    'Dpkg::Use-Pty=0',
    'Dpkg::Options::=--force-confold',
    'APT::Status-Fd=3',
  ];
  return { options: options.flatMap((option) => ['-o', option]), codename };
}

/** How to become root: nothing when we are, else sudo, which may ask for a password on the terminal. */
async function rootPrefix(missing) {
  if (process.getuid() === 0) return [];
  if ((await ask(['sudo', '--version'])).code === 0) {
    // With a terminal sudo may ask; `-v` does so before apt's output goes to the log.
    const { code } = await ask(['sudo', '-n', 'true']);
    if (code === 0) return ['sudo', '-n', 'env', 'DEBIAN_FRONTEND=noninteractive'];
  }
  throw new StepFailure(stepName, `these packages are missing and installing them needs root: ${missing.join(' ')}`, {
    hint: 'run `sudo -v` first and then this command again, or install the packages yourself',
  });
}

/** Reads apt's machine-readable status lines: `dlstatus:…:percent:text`, `pmstatus:package:percent:text`. The log goes without them. */
function statusReader(progress) {
  return (line) => {
    const [kind, , percent, ...text] = line.split(':');
    if (kind !== 'dlstatus' && kind !== 'pmstatus') return true;
    progress.update(`${kind === 'dlstatus' ? 'downloading: ' : ''}${text.join(':')}`, Number(percent));
    return false;
  };
}

async function apt(argv, context, progress) {
  // sudo closes every descriptor above 2, so the one for apt's status is made behind it. It cannot be stdout itself: apt closes its
  // status descriptor in the programs that it starts.
  const statusOnStdout = ['sh', '-c', 'exec "$@" 3>&1', 'sh'];
  await run(stepName, [...context.become, ...statusOnStdout, 'apt-get', '-q', '-y', ...context.options, ...argv], {
    append: true,
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    onLine: statusReader(progress),
  });
}

/** Names the packages that are still missing after apt failed, so that nobody has to search the log for them. */
async function explainFailure(error, wanted) {
  const missing = await missingOf(wanted);
  if (!(error instanceof StepFailure) || missing.length === 0) return error;
  const log = readFileSync(logFileOf(stepName), 'utf8');
  const unknown = [
    ...log.matchAll(/Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate/g),
  ].map((match) => match[1] ?? match[2]);
  const unreachable = /Failed to fetch|Could not resolve|Could not connect|Temporary failure/.test(log);
  const names = (unknown.length > 0 ? unknown : missing).join(' ');
  return new StepFailure(stepName, `cannot install ${names}`, {
    logFile: logFileOf(stepName),
    hint: unreachable
      ? 'the mirror did not answer: see that `apt-get update` works, then run this command again'
      : `see that this works, then run this command again: apt-get install ${names}`,
    cause: error,
  });
}

/**
 * Installs what is missing. Costs one dpkg-query when nothing is.
 * @param {{update: (detail: string, percent?: number) => void}} progress
 * @param {{tests: boolean, architectures: string[]}} options whether what only tests need is wanted too; and for which architectures
 * @returns {Promise<string>} the outcome in words
 */
export async function installPackages(progress, { tests, architectures, rivals }) {
  const wanted = readWanted(tests, architectures, rivals);
  const missing = await missingOf(wanted.names);
  const emulators = await missingEmulators(wanted);
  const all = [...missing, ...emulators.map((each) => each.name)];
  if (all.length === 0) return 'all there';
  const become = await rootPrefix(all);
  const { options, codename } = await privateApt();
  const context = { become, options };
  mkdirSync(path.dirname(logFileOf(stepName)), { recursive: true });
  writeFileSync(logFileOf(stepName), `missing: ${all.join(' ')}\n`);
  try {
    progress.update('reading package lists');
    await apt(['update'], context, progress);
    if (missing.length > 0) await apt(['install', ...missing], context, progress);
    for (const each of emulators) await installQemu(each, wanted.minimum, codename, context, progress);
  } catch (error) {
    throw await explainFailure(error, all);
  }
  return `installed ${all.join(' ')}`;
}

/** Takes QEMU from the release itself when it is new enough there, else from its backports. */
async function installQemu(qemu, minimum, codename, context, progress) {
  const { stdout } = await ask(['apt-cache', ...context.options, 'policy', qemu.name]);
  const candidate = /Candidate: (?:\d+:)?(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? '0';
  const release = isAtLeast(candidate, minimum) ? [] : ['-t', `${codename}-backports`];
  await apt(['install', ...release, qemu.name], context, progress);
  if (!(await qemuIsUsable(qemu, minimum))) {
    throw new StepFailure(stepName, `the ${qemu.name} that can be installed here is older than ${minimum}`, {
      logFile: logFileOf(stepName),
      hint: 'use Debian 12 with its backports, Debian 13 or later, or put a newer QEMU on the PATH',
    });
  }
}
