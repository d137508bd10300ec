import type { PowerModule } from '../native/contract.js';
import { setHostname } from '../os/hostname.js';

/** Who names the node, the weakest first. */
const SOURCES = ['default', 'dhcp', 'kernel-command-line', 'config'] as const;
export type NameSource = (typeof SOURCES)[number];

/** The node's host name. A source that is weaker than the one whose name the node has is not listened to, whoever comes first. */
export class NodeName {
  private rank = -1;

  constructor(private readonly power: Pick<PowerModule, 'setHostname'>) {}

  /**
   * Does not block.
   * @returns false when a stronger source has named the node
   * @throws TalosError ERR_HOSTNAME when it is no name by RFC 1123 · EPERM
   */
  set(source: NameSource, name: string): boolean {
    const rank = SOURCES.indexOf(source);
    if (rank < this.rank) return false;
    setHostname(this.power, name);
    this.rank = rank;
    return true;
  }
}
