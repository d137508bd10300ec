/** Tests of the cores can make every system call fail: whatever a core calls is in native/test/fault_table.h, or named with a reason. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const table = readFileSync(`${root}native/test/fault_table.h`, 'utf8');
const notWrapped: Record<'libc' | 'syscalls', Record<string, string>> = JSON.parse(
  readFileSync(`${root}native/test/not_wrapped.json`, 'utf8'),
);

const names = (text: string, pattern: RegExp) => new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ''));
const without = (all: Set<string>, ...others: Iterable<string>[]) => {
  const known = new Set(others.flatMap((other) => [...other]));
  return [...all].filter((name) => !known.has(name)).sort();
};

const wrapped = names(table, /^TALOS_WRAP\([^,]*, [^,]*, ([a-z0-9_]+)\)$/gm);

/** C functions that the cores use and do not define; C++ names are those of the standard library, which calls nothing by itself. */
function usedFunctions(): Set<string> {
  const library = `${root}out/native-test/libtalos_core.a`;
  const list = execFileSync('nm', ['--format=posix', library], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const own = names(list, /^(\S+) [TWVBDR] /gm);
  return new Set(without(names(list, /^(\S+) [Uw]/gm), own).filter((name) => !name.startsWith('_Z')));
}

/** What is called by number. */
function usedSyscalls(): Set<string> {
  const folder = `${root}native/sys/`;
  const files = readdirSync(folder).map((file) => readFileSync(folder + file, 'utf8'));
  return names(files.join('\n'), /\b(?:SYS|__NR)_([a-z0-9_]+)/g);
}

t.test('functions of libc', async (t) => {
  const used = usedFunctions();
  t.ok(used.has('read') && used.has('recvmsg'), 'the list of symbols was read');
  t.same(without(used, wrapped, Object.keys(notWrapped.libc)), [], 'none is missing');
});

t.test('calls by number', async (t) => {
  const used = usedSyscalls();
  const listed = names(table, /^TALOS_SYSCALL\(([a-z0-9_]+)\)$/gm);
  t.ok(used.has('openat2'), 'the sources were read');
  t.same(without(used, listed, Object.keys(notWrapped.syscalls)), [], 'none is missing');
  t.same(without(new Set(Object.keys(notWrapped.syscalls)), used), [], 'no reason is out of date');
});
