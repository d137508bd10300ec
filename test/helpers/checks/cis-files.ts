/** Files of a booted member against the rows 1.1 and 4.1 of the CIS benchmark 1.11, and what its kubelet asks of the kernel. */
import type { Test } from 'tap';
import type { NodeState } from '../../../lib/cluster/state.js';
import type { TestHome } from '../node.js';

interface Entry {
  name: string;
  mode: string;
  uid: number;
  gid: number;
}

interface Row {
  readonly row: string;
  readonly folder: string;
  readonly files: RegExp;
  /** As the benchmark has it, or stricter. */
  readonly mode: RegExp;
  /** Of a control plane alone. */
  readonly isServers?: boolean;
}

const OWNER_ONLY = /^-r[w-]-------$/;
const READABLE = /^-r[w-]-(?:r--|---)(?:r--|---)$/;

const ROWS: readonly Row[] = [
  { row: '1.1.1 to 1.1.8', folder: '/etc/kubernetes/manifests', files: /yaml$/, mode: OWNER_ONLY, isServers: true },
  { row: '1.1.9, 1.1.10', folder: '/etc/cni/net.d', files: /conflist$/, mode: OWNER_ONLY },
  { row: '1.1.11', folder: '/var/lib', files: /\/etcd$/, mode: /^d[rwx-]{3}------$/, isServers: true },
  { row: '1.1.13 to 1.1.18', folder: '/etc/kubernetes', files: /\.conf$/, mode: OWNER_ONLY, isServers: true },
  { row: '1.1.20', folder: '/etc/kubernetes/pki', files: /\.crt$/, mode: READABLE, isServers: true },
  { row: '1.1.21', folder: '/etc/kubernetes/pki', files: /\.key$/, mode: OWNER_ONLY, isServers: true },
  { row: '4.1.5, 4.1.6', folder: '/etc/kubernetes', files: /\/kubelet\.conf$/, mode: OWNER_ONLY },
  { row: '4.1.7, 4.1.8', folder: '/etc/kubernetes/pki', files: /\/ca\.crt$/, mode: READABLE },
  { row: '4.1.9, 4.1.10', folder: '/var/lib/kubelet', files: /\/config\.yaml$/, mode: OWNER_ONLY },
];

/** What `protectKernelDefaults` makes a kubelet look for. */
const KERNEL: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** @param isServer  of the control plane */
export async function keepsCisRows(
  t: Test,
  { home, node, isServer }: { home: TestHome; node: NodeState; isServer: boolean },
): Promise<void> {
  for (const { row, folder, files, mode, isServers = false } of ROWS) {
    if (isServers && !isServer) continue;
    const listed = await home.json<Entry[]>('-n', node.endpoint, 'ls', '-l', folder);
    const found = listed.filter(({ name }) => files.test(name));
    t.ok(found.length > 0, `${row}: ${found.map(({ name }) => name).join(' ')}`);
    for (const { name, uid, gid, mode: text } of found) {
      t.match(text, mode, `${row}: mode of ${name}`);
      t.same([uid, gid], [0, 0], `${row}: owner of ${name}`);
    }
  }
  for (const [key, value] of Object.entries(KERNEL)) {
    const { stdout } = await home.succeed(['-n', node.endpoint, 'read', `/proc/sys/${key}`]);
    t.equal(stdout.trim(), value, key);
  }
}
