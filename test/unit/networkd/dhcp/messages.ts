import type { DhcpServerMessage } from '../../../../lib/native/contract.js';
import type { Surroundings } from '../../../../lib/networkd/dhcp/exchange.js';

/** Time that is set by hand; random numbers without jitter: half of all there are, and a little more each time for new transaction ids. */
export class FakeWorld implements Surroundings {
  nowMs = 10_000;
  private count = 0;

  readonly random = (): number => 2 ** 31 + this.count++;
}

export function offer(more: Partial<DhcpServerMessage> = {}): DhcpServerMessage {
  return {
    type: 'offer',
    xid: 0,
    yourAddress: '10.0.2.15',
    serverId: '10.0.2.2',
    leaseSeconds: 3600,
    prefixLength: 24,
    routers: ['10.0.2.2'],
    dnsServers: ['10.0.2.3'],
    ntpServers: [],
    searchDomains: [],
    ...more,
  };
}

export function ack(more: Partial<DhcpServerMessage> = {}): DhcpServerMessage {
  return offer({ type: 'ack', ...more });
}

export function nak(more: Partial<DhcpServerMessage> = {}): DhcpServerMessage {
  return offer({ type: 'nak', yourAddress: '0.0.0.0', leaseSeconds: 0, routers: [], dnsServers: [], ...more });
}
