import { columns, count } from './text.js';

/** The values that the API has, by the kernel's own names in small letters. */
const NAMES = [
  ...(['memtotal', 'memfree', 'memavailable', 'buffers', 'cached', 'swapcached', 'active', 'inactive'] as const),
  ...(['activeanon', 'inactiveanon', 'activefile', 'inactivefile', 'unevictable', 'mlocked', 'swaptotal'] as const),
  ...(['swapfree', 'dirty', 'writeback', 'anonpages', 'mapped', 'shmem', 'slab', 'sreclaimable'] as const),
  ...(['sunreclaim', 'kernelstack', 'pagetables', 'nfsunstable', 'bounce', 'writebacktmp', 'commitlimit'] as const),
  ...(['committedas', 'vmalloctotal', 'vmallocused', 'vmallocchunk', 'hardwarecorrupted', 'anonhugepages'] as const),
  ...(['shmemhugepages', 'shmempmdmapped', 'cmatotal', 'cmafree', 'hugepagestotal', 'hugepagesfree'] as const),
  ...(['hugepagesrsvd', 'hugepagessurp', 'hugepagesize', 'directmap4k', 'directmap2m', 'directmap1g'] as const),
];

export type MemoryValues = Record<(typeof NAMES)[number], number>;

/** /proc/meminfo, in kB but for the counts of huge pages. What this kernel does not count is 0. Source: proc_meminfo(5). */
export function parseMeminfo(text: string): MemoryValues {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', value] = line.split(':');
    // 'Active(anon)', 'Committed_AS', 'HugePages_Total'
    found.set(name.toLowerCase().replace(/[^a-z0-9]/g, ''), count(columns(value ?? '')[0]));
  }
  return Object.fromEntries(NAMES.map((name) => [name, found.get(name) ?? 0])) as MemoryValues;
}
