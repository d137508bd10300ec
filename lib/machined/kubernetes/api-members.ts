import { isIP } from 'node:net';
import { errorCode } from '../../base/errors.js';
import { canonicalAddress } from '../../base/ip-address.js';
import { isWithin } from '../../base/subnets.js';
import { KIB } from '../../base/units.js';
import type { ApiMember } from '../../kube/api/index.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';

const FILE = 'api-servers.json';
const MAX_BYTES = 16 * KIB;
const MAX_MEMBERS = 16;
/** Addresses at which there is no server of another machine: this host, links, groups. */
const NOWHERE = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
];

/**
 * The servers of the Kubernetes API that it has named itself. They are kept in a file: the one that the machine config names may be gone when
 * this node starts again, and the others can only be asked through one that is known.
 */
export class ApiMembers {
  private known: readonly ApiMember[] = [];

  constructor(private readonly files: Pick<FilesModule, 'readFile' | 'replaceFile' | 'remove'>) {}

  get list(): readonly ApiMember[] {
    return this.known;
  }

  /** Those that were written; what cannot be read was only a help. @returns whether that is news */
  async load(folder: FileDescriptor): Promise<boolean> {
    try {
      const text = (await this.files.readFile(folder, FILE, { maxBytes: MAX_BYTES })).toString('utf8');
      return this.set(JSON.parse(text) as ApiMember[]);
    } catch {
      return false;
    }
  }

  /**
   * What the API says now. That there are none is not believed: somebody has said so.
   * @returns whether that is news
   */
  take(found: readonly ApiMember[]): boolean {
    return this.set(found);
  }

  /** For the next machined, and the next boot. */
  async store(folder: FileDescriptor): Promise<void> {
    await this.files.replaceFile(folder, FILE, Buffer.from(JSON.stringify(this.known)), { mode: 0o600 });
  }

  /** The node is not in a cluster (any more): those of an earlier one would lead a next one astray. @returns whether that is news */
  async forget(folder: FileDescriptor): Promise<boolean> {
    const isNews = this.known.length > 0;
    this.known = [];
    await this.files.remove(folder, FILE, 'file').catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    return isNews;
  }

  private set(found: readonly ApiMember[]): boolean {
    const checked = found
      .filter(({ host, port }) => isPlace(host) && Number.isInteger(port) && port > 0 && port <= 65_535)
      .map(({ host, port }) => ({ host: canonicalAddress(host), port }))
      .sort((left, right) => (left.host === right.host ? left.port - right.port : left.host < right.host ? -1 : 1))
      .filter(({ host, port }, at, all) => host !== all[at - 1]?.host || port !== all[at - 1]?.port)
      .slice(0, MAX_MEMBERS);
    if (checked.length === 0 || JSON.stringify(checked) === JSON.stringify(this.known)) return false;
    this.known = checked;
    return true;
  }
}

function isPlace(host: unknown): host is string {
  return (
    typeof host === 'string' &&
    isIP(host) !== 0 &&
    !host.includes('%') &&
    !NOWHERE.some((network) => isWithin(host, network))
  );
}
