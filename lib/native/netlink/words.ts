/** Numbers of the kernel's headers and the words of ip(8) for them. */
import type { BondMode, NeighbourState, OperState, Protocol, RouteType, RuleAction, Scope } from '../contract.js';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Both directions between a small set of numbers and words; a number without a word stands for itself. */
export class Words<Word extends string | number> {
  private readonly words: readonly (Word | undefined)[];
  private readonly numbers: ReadonlyMap<Word, number>;

  constructor(entries: Iterable<readonly [number, Word & string]>) {
    const words: (Word | undefined)[] = [];
    const numbers = new Map<Word, number>();
    for (const [number, word] of entries) {
      words[number] = word;
      numbers.set(word, number);
    }
    this.words = words;
    this.numbers = numbers;
  }

  word(number: number): Word {
    return this.words[number] ?? (number as Word);
  }

  /** Undefined for a word that is none of them. */
  number(word: unknown): number | undefined {
    return this.numbers.get(word as Word);
  }

  list(): string {
    return [...this.numbers.keys()].join(', ');
  }
}

/** RTPROT_*. */
export const protocols = new Words<Protocol>([
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [9, 'ra'],
  [16, 'dhcp'],
  [186, 'bgp'],
  [188, 'ospf'],
]);

/** RT_SCOPE_*. */
export const scopes = new Words<Scope>([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);

/** RTN_*. */
export const routeTypes = new Words<RouteType>(
  (
    'unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw'.split(' ') as (RouteType &
      string)[]
  ).entries(),
);

/** FR_ACT_*. */
export const ruleActions = new Words<RuleAction>([
  [0, 'unspec'],
  [1, 'lookup'],
  [2, 'goto'],
  [3, 'nop'],
  [6, 'blackhole'],
  [7, 'unreachable'],
  [8, 'prohibit'],
]);

/** NUD_*. */
export const neighbourStates = new Words<NeighbourState>([
  [0, 'none'],
  [0x01, 'incomplete'],
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noarp'],
  [0x80, 'permanent'],
]);

/** IF_OPER_*. */
export const operStates = new Words<OperState>(
  ('unknown notpresent down lowerlayerdown testing dormant up'.split(' ') as (OperState & string)[]).entries(),
);

/** BOND_MODE_*. */
export const bondModes = new Words<BondMode>(
  ('balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb'.split(' ') as BondMode[]).entries(),
);

/** ICMPV6_ROUTER_PREF_*. */
export const preferences = new Words<'low' | 'medium' | 'high' | number>([
  [0, 'medium'],
  [1, 'high'],
  [3, 'low'],
]);

/** EtherTypes. */
export const vlanProtocols: ReadonlyMap<unknown, number> = new Map([
  ['802.1q', 0x8100],
  ['802.1ad', 0x88a8],
]);

/** Bits, from the lowest on, and their words. */
export class Flags {
  /** Most objects have one of a few combinations: they share their arrays, which nobody may change. */
  private readonly made = new Map<number, readonly string[]>();

  /** @param words  separated by blanks; `-` for a bit that has none */
  constructor(words: string) {
    this.words = words.split(' ');
  }
  private readonly words: readonly string[];

  list(bits: number): readonly string[] {
    let list = this.made.get(bits);
    if (list === undefined) {
      // Above 31 bits there are none; `**` since `<<` would make bit 31 negative.
      list = this.words.filter((word, bit) => word !== '-' && Math.floor(bits / 2 ** bit) % 2 === 1);
      Object.freeze(list);
      // Flags are few; a kernel that invents new combinations for ever must not fill the memory.
      if (this.made.size < 4096) this.made.set(bits, list);
    }
    return list;
  }

  /** The bit of a word; undefined if it is none of them. */
  bit(word: string): number | undefined {
    const position = word === '-' ? -1 : this.words.indexOf(word);
    return position === -1 ? undefined : 2 ** position;
  }

  all(): string {
    return this.words.filter((word) => word !== '-').join(', ');
  }
}

/** IFF_*. */
export const linkFlags = new Flags(
  'up broadcast debug loopback pointopoint notrailers running noarp promisc allmulti master slave multicast portsel automedia dynamic lower_up dormant echo',
);

/** IFA_F_*. */
export const addressFlags = new Flags(
  'secondary nodad optimistic dadfailed homeaddress deprecated tentative permanent mngtmpaddr noprefixroute autojoin stable_privacy',
);

/** RTNH_F_*, RTM_F_*. */
export const routeFlags = new Flags(
  'dead pervasive onlink offload linkdown unresolved trap - notify cloned equalize prefix lookup_table fib_match rt_offload rt_trap',
);

/** NTF_*. */
export const neighbourFlags = new Flags('use self master proxy extern_learn offload sticky router');
