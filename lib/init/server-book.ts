import { isIP } from 'node:net';
import { ControlError } from '../control/errors.js';
import type { NetworkFacts } from '../control/protocol.js';

export interface TimeFacts {
  timeServers: string[];
  nameServers: string[];
}

/** What is kept of each list; nobody asks more servers than that. */
const MAX_SERVERS = 16;
const NAME = /^[\x21-\x7e]{1,255}$/;

/** Which time and name servers the node has: those of the config, else those that networkd has learnt, of DHCP servers and routers. */
export class ServerBook {
  private configured: TimeFacts = { timeServers: [], nameServers: [] };
  private readonly leased = new Map<string, TimeFacts>();

  /** @throws ControlError INVALID_ARGUMENT for what cannot be true */
  configure({ timeServers, nameServers }: TimeFacts): void {
    const isPlausible =
      [...timeServers, ...nameServers].length <= 2 * MAX_SERVERS &&
      timeServers.every((name) => NAME.test(name)) &&
      nameServers.every((address) => isIP(address) !== 0);
    if (!isPlausible) throw new ControlError('INVALID_ARGUMENT', 'servers that cannot be true');
    this.configured = { timeServers, nameServers };
  }

  lease({ link, ntpServers, dnsServers }: NetworkFacts): void {
    if (ntpServers.length + dnsServers.length === 0) this.leased.delete(link);
    else this.leased.set(link, { timeServers: ntpServers, nameServers: dnsServers });
  }

  get facts(): TimeFacts {
    const pick = (list: keyof TimeFacts) => {
      const own = this.configured[list];
      return own.length > 0 ? own : [...this.leased.values()].flatMap((facts) => facts[list]).slice(0, MAX_SERVERS);
    };
    return { timeServers: pick('timeServers'), nameServers: pick('nameServers') };
  }
}
