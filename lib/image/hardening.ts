/**
 * How a kernel and a node deviate from what the Kernel Self Protection Project and others recommend. What they recommend comes from
 * kernel-hardening-checker, which is fetched and never installed; what we deviate in, and why, is in kernel/hardening-exceptions.json.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cached, type Progress } from '../base/build-cache.js';
import { TalosError } from '../base/errors.js';
import { unpackPackage } from './apt.js';
import type { Architecture } from './architecture.js';
import { parseConfig } from './kernel-config.js';
import type { KernelProfile } from './kernel-options.js';
import { fetchPinned, type PinnedPackage } from './pinned-package.js';
import { runCommand } from './run-command.js';

/** What a recommendation is about: an option of the .config, a word of the command line, a file below /proc/sys. */
export type HardeningKind = 'option' | 'parameter' | 'sysctl';

/** One recommendation, and what the checker thinks of it. */
export interface HardeningRow {
  readonly kind: HardeningKind;
  readonly name: string;
  /** In the checker's words: a value, "is not set", "*part*". */
  readonly wanted: string;
  /** Whose recommendation it is: kspp, cis, defconfig … */
  readonly from: string;
  readonly isFollowed: boolean;
}

/** One entry of kernel/hardening-exceptions.json. */
export interface HardeningException {
  readonly kind: HardeningKind;
  readonly name: string;
  readonly architecture: Architecture | 'all';
  /** Only kernels of this profile; all shipped ones unless said otherwise. */
  readonly profile?: KernelProfile | undefined;
  readonly wanted: string;
  /** What we have instead; "absent" is neither y nor n, and a word or file that is not there. */
  readonly ours: string;
  readonly reason: string;
}

/** What is checked. The command line needs the .config, since the one makes up for the other; so do the sysctls. */
export interface HardeningSubject {
  /** Text of the final .config. */
  readonly config: string;
  readonly commandLine?: string | undefined;
  /** As sysctl(8) names them, with their values. */
  readonly sysctls?: ReadonlyMap<string, string> | undefined;
}

const KINDS: Readonly<Record<string, HardeningKind>> = { kconfig: 'option', cmdline: 'parameter', sysctl: 'sysctl' };

/** Folder with the unpacked checker. */
async function checkerFolder(root: string, onProgress: Progress): Promise<string> {
  const text = await readFile(path.join(root, 'kernel', 'hardening-checker.json'), 'utf8');
  const pin = JSON.parse(text) as PinnedPackage;
  const archive = await fetchPinned('hardening-checker-package', pin, '1 MB', onProgress);
  return cached({
    kind: 'hardening-checker',
    inputs: pin,
    onProgress,
    make: (folder) => unpackPackage(archive, path.join(folder)),
  });
}

/** What the checker says, one row a line of its table. @throws TalosError ERR_TOOL when it cannot read what it was given */
export async function checkHardening(
  root: string,
  subject: HardeningSubject,
  onProgress: Progress,
): Promise<HardeningRow[]> {
  const folder = await checkerFolder(root, onProgress);
  const work = await mkdtemp(path.join(tmpdir(), 'talos-hardening-'));
  try {
    const given: string[] = [];
    const give = async (option: string, text: string) => {
      const file = path.join(work, option.slice(2));
      await writeFile(file, text);
      given.push(option, file);
    };
    await give('--config', subject.config);
    if (subject.commandLine !== undefined) await give('--cmdline', `${subject.commandLine.trim()}\n`);
    if (subject.sysctls !== undefined) {
      const lines = [...subject.sysctls].map(([key, value]) => `${key} = ${value}\n`);
      await give('--sysctl', lines.join(''));
    }
    const output = await runCommand(
      ['python3', path.join(folder, 'usr', 'bin', 'kernel-hardening-checker'), '--mode', 'json', ...given],
      {
        env: {
          PYTHONPATH: path.join(folder, 'usr', 'lib', 'python3', 'dist-packages'),
          // The cache stays as it was made.
          PYTHONDONTWRITEBYTECODE: '1',
        },
      },
    );
    return parseRows(output);
  } finally {
    await rm(work, { recursive: true });
  }
}

/** The checker's JSON. @throws TalosError ERR_HARDENING_CHECKER when it is not what we know */
export function parseRows(output: string): HardeningRow[] {
  const rows = JSON.parse(output) as Record<string, unknown>[];
  return rows.flatMap((row) => {
    // Whose version is checked is no recommendation.
    if (row.type === 'version') return [];
    const kind = KINDS[String(row.type)];
    const { option_name: name, desired_val: wanted, decision: from, check_result: result } = row;
    if (kind === undefined || ![name, wanted, from, result].every((each) => typeof each === 'string')) {
      throw new TalosError('ERR_HARDENING_CHECKER', `the hardening checker wrote ${JSON.stringify(row)}`);
    }
    return [
      {
        kind,
        name: String(name),
        wanted: String(wanted),
        from: String(from),
        isFollowed: String(result).startsWith('OK'),
      },
    ];
  });
}

/** kernel/hardening-exceptions.json. */
export async function readExceptions(root: string): Promise<HardeningException[]> {
  return JSON.parse(await readFile(path.join(root, 'kernel', 'hardening-exceptions.json'), 'utf8'));
}

/** What a subject has under a name: "absent" when nothing. */
function ownValue(subject: HardeningSubject, kind: HardeningKind, name: string): string {
  if (kind === 'option') return parseConfig(subject.config).get(name) ?? 'absent';
  if (kind === 'sysctl') return subject.sysctls?.get(name) ?? 'absent';
  const words = subject.commandLine?.trim().split(/\s+/) ?? [];
  const word = words.findLast((each) => each === name || each.startsWith(`${name}=`));
  return word === undefined ? 'absent' : word.slice(name.length + 1) || 'present';
}

const keyOf = ({ kind, name, wanted }: { kind: HardeningKind; name: string; wanted: string }) =>
  `${kind} ${name} (wanted: ${wanted})`;

/**
 * Where the rows and the exceptions disagree: a deviation that nobody gave a reason for, one that is another than the entry says, and an
 * entry that nothing deviates in any more.
 * @returns sentences, none when all is well
 */
export function hardeningProblems(
  rows: readonly HardeningRow[],
  exceptions: readonly HardeningException[],
  subject: HardeningSubject,
  { arch, profile }: { arch: Architecture; profile: KernelProfile },
): string[] {
  const problems: string[] = [];
  const kinds = new Set(rows.map(({ kind }) => kind));
  const applying = exceptions.filter(
    (each) =>
      kinds.has(each.kind) &&
      (each.architecture === 'all' || each.architecture === arch) &&
      (each.profile === undefined || each.profile === profile),
  );
  const byKey = new Map(applying.map((each) => [keyOf(each), each]));
  if (byKey.size !== applying.length) problems.push('two exceptions are about the same');
  for (const row of rows) {
    const key = keyOf(row);
    const exception = byKey.get(key);
    const ours = ownValue(subject, row.kind, row.name);
    if (row.isFollowed) {
      if (exception !== undefined) problems.push(`${key}: followed by now (${ours}), so its exception has to go`);
    } else if (exception === undefined) problems.push(`${key} of ${row.from}: ${ours}, and no exception says why`);
    else if (exception.ours !== ours) problems.push(`${key}: ${ours}, and its exception says ${exception.ours}`);
    byKey.delete(key);
  }
  for (const key of byKey.keys()) problems.push(`${key}: no such recommendation, so its exception has to go`);
  return problems;
}
