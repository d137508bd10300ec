/** DHCPv4 as a client speaks it. Addresses are IPv4 in dotted notation. */

/** What a client says; table 5 of RFC 2131 tells which message has which fields. */
export interface DhcpClientMessage {
  type: 'discover' | 'request' | 'decline' | 'release';
  /** 32 bits, chosen at random for each exchange. */
  xid: number;
  /** Since the client began to look for an address. */
  seconds: number;
  /** Ethernet address: '52:54:00:12:34:56'. Also the client identifier (type 1). */
  mac: string;
  /** ciaddr: the address that the client has already. */
  clientAddress?: string | undefined;
  requestedAddress?: string | undefined;
  serverId?: string | undefined;
  hostname?: string | undefined;
  /** Largest answer that fits, IP header included: 576 to 65535. */
  maxMessageBytes: number;
}

export interface DhcpRoute {
  /** CIDR notation; '0.0.0.0/0' is the default route. */
  destination: string;
  /** Absent: on the link itself. */
  gateway?: string;
}

/** What a server says. Addresses that no host can have, and names that are none, are left out. */
export interface DhcpServerMessage {
  type: 'offer' | 'ack' | 'nak';
  xid: number;
  /** Of the client; '0.0.0.0' in a NAK. */
  yourAddress: string;
  serverId: string;
  /** Infinity: for ever. 0 in a NAK. */
  leaseSeconds: number;
  /** Absent where the server leaves them to the client. */
  renewalSeconds?: number;
  rebindingSeconds?: number;
  prefixLength?: number;
  routers: string[];
  /** Option 121: takes the place of `routers`, even when it is empty (RFC 3442). */
  routes?: DhcpRoute[];
  dnsServers: string[];
  ntpServers: string[];
  domain?: string;
  searchDomains: string[];
  mtu?: number;
  hostname?: string;
  /** The server's own words, of a NAK mostly; printable ASCII. */
  text?: string;
}

export interface DhcpBatch {
  messages: DhcpServerMessage[];
  /** What passed the filter and was no message of a server to us, with the reason. */
  rejected: string[];
}

/** A client's ear and mouth on one interface. */
export interface DhcpSocket {
  /** To everybody on the link. `source`: the client's address, if it has one. */
  broadcast(message: DhcpClientMessage, source?: string): void;
  /** To one server, by the kernel's routes; one that no route leads to is looked for on the link. */
  unicast(message: DhcpClientMessage, source: string, destination: string): void;
  /** What has come so far, at most 32 datagrams. Never blocks. */
  receive(): DhcpBatch;
  /** Resolves when there is something to receive. Keeps the process alive. Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

export interface DhcpModule {
  /** The UDP payload. Pure. */
  encode(message: DhcpClientMessage): Buffer;
  /** Reads the UDP payload of a message to `mac`. Pure. EBADMSG says what is wrong, and at which offset. */
  decode(payload: Uint8Array, mac: string): DhcpServerMessage;
  /** 32 random bits of getrandom(2): for transaction ids, and to spread retransmissions. */
  random(): number;
  open(options: { index: number; mac: string }): DhcpSocket;
}
