import type { PowerModule } from '../native/contract.js';
import { checkHostname, setHostname } from '../os/hostname.js';

/** Who names the node, the weakest first. */
const SOURCES = ['default', 'dhcp', 'kernel-command-line', 'config'] as const;
export type NameSource = (typeof SOURCES)[number];

/** The node's host name: that of the strongest source that has one, whoever comes first. */
export class NodeName {
  private readonly names = new Map<NameSource, string>();

  /** @param changed  is told each new name */
  constructor(
    private readonly power: Pick<PowerModule, 'setHostname'>,
    private readonly changed: (name: string) => void = () => {},
  ) {}

  /**
   * Does not block.
   * @returns false when a stronger source names the node; its name is kept for the time when that one does not any more
   * @throws TalosError ERR_HOSTNAME when it is no name by RFC 1123 · EPERM
   */
  set(source: NameSource, name: string): boolean {
    checkHostname(name);
    const isStronger = SOURCES.slice(SOURCES.indexOf(source) + 1).every((stronger) => !this.names.has(stronger));
    if (isStronger) this.apply(name);
    this.names.set(source, name);
    return isStronger;
  }

  /** The source names the node no more: the next one does. Does not block. */
  clear(source: NameSource): void {
    if (!this.names.delete(source)) return;
    const next = SOURCES.findLast((candidate) => this.names.has(candidate));
    const isStrongest = next === undefined || SOURCES.indexOf(next) < SOURCES.indexOf(source);
    if (next !== undefined && isStrongest) this.apply(this.names.get(next) as string);
  }

  private apply(name: string): void {
    setHostname(this.power, name);
    this.changed(name.toLowerCase());
  }
}
