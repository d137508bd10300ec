/**
 * The network of the pods of this node: a file for containerd's network plugins, and the rules by which pods reach the outside, once the cluster has
 * assigned it one.
 */
import { isIP } from 'node:net';
import { errorMessage } from '../../base/errors.js';
import { quoted } from '../../base/printable.js';
import { isWithin } from '../../base/subnets.js';
import { SECOND_MS } from '../../base/units.js';
import { podSubnets } from '../../kube/cluster-network.js';
import { cniFile } from '../../kube/cni.js';
import type { KubernetesConfig } from '../../kube/input.js';
import { type MasqueradeRules, masqueradeRules } from '../../kube/masquerade.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';
import { FOLDERS } from './folders.js';
import { setMasquerade } from './masquerade.js';
import { writeFilesInto } from './write-files.js';

export interface PodNetworkOptions {
  files: Pick<FilesModule, 'readFile' | 'replaceFile' | 'makeDirectory'>;
  /** Opens the folder of the file to write beneath it. */
  openFolder(path: string): Promise<FileDescriptor>;
  config(): KubernetesConfig;
  log(text: string): void;
  /** Where the file belongs; there must be such a folder. */
  folder?: string;
  retryMs?: number;
  /** Puts rules into the kernel; the tables' own programs unless a test says otherwise. */
  masquerade?(rules: readonly MasqueradeRules[]): Promise<void>;
}

const RETRY_MS = 5 * SECOND_MS;

export class PodNetwork {
  private taken = '';
  private retry: NodeJS.Timeout | undefined;
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly options: PodNetworkOptions) {}

  /** @param podCidrs  what the Node of this node has; none is none yet, and what is there stays */
  take(podCidrs: readonly string[]): void {
    if (podCidrs.length === 0 || podCidrs.join() === this.taken) return;
    clearTimeout(this.retry);
    this.taken = podCidrs.join();
    const { config, log } = this.options;
    const problem = podCidrProblem(podCidrs, podSubnets(config()));
    if (problem !== undefined) {
      log(problem);
      return;
    }
    // One after the other, so that the newest is what stays.
    this.work = this.work
      .then(() => this.write(podCidrs))
      .catch((error: unknown) => {
        this.taken = '';
        // The cluster says it once.
        this.retry = setTimeout(() => this.take(podCidrs), this.options.retryMs ?? RETRY_MS).unref();
        log(`the network of this node's pods was not written: ${errorMessage(error)}`);
      });
  }

  /** Resolves when all is written that was taken. */
  async settled(): Promise<void> {
    await this.work;
  }

  private async write(podCidrs: readonly string[]): Promise<void> {
    const { files, openFolder, config, log, folder = FOLDERS.cni, masquerade = setMasquerade } = this.options;
    const file = cniFile(config(), podCidrs);
    if (file === undefined) return;
    // Before there is a pod that needs them.
    await masquerade(masqueradeRules(podCidrs, podSubnets(config())));
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const root = await openFolder(folder);
    try {
      await writeFilesInto(files, root, folder, [{ ...file, path: `${folder}/${name}` }]);
    } finally {
      root.close();
    }
    log(`pods of this node have the network ${podCidrs.join(' and ')}`);
  }
}

/** What somebody may have written into a Node must not become anybody else's network: one sentence. */
export function podCidrProblem(podCidrs: readonly string[], subnets: readonly string[]): string | undefined {
  const isOurs = (text: string) => isNetwork(text) && subnets.some((subnet) => isWithin(text, subnet));
  const other = podCidrs.find((text) => !isOurs(text));
  if (other === undefined) return undefined;
  return `the Node of this node has the network ${quoted(other, 50)} for its pods, which is not in cluster.network.podSubnets (${subnets.join(', ')}): it is not used`;
}

function isNetwork(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const isLength = /^\d{1,3}$/.test(length) && Number(length) <= bits;
  return version !== 0 && !address.includes('%') && rest.length === 0 && isLength;
}
