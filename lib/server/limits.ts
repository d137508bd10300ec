/** Bounds on connections that a server keeps, whatever it serves. */
export interface DoorLimits {
  /** Connections in any state. */
  maxConnections: number;
  /** Connections whose client is not let in yet; beyond that the oldest gives way, so that silence cannot lock anybody out. */
  maxHandshakes: number;
  handshakeTimeoutMs: number;
  /** New connections a second in the long run, and how many at once; beyond that they are closed before any cryptography. */
  acceptsPerSecond: number;
  acceptBurst: number;
  acceptsPerSecondPerAddress: number;
  acceptBurstPerAddress: number;
}

/** Bounds on what one HTTP/2 connection, and one message, can make a server hold. */
export interface Http2Limits {
  /** Calls under way on one connection. */
  maxConcurrentCalls: number;
  /** Of the largest message that is received. */
  maxRequestBytes: number;
  /** Of messages that the server sends. */
  maxMessageBytes: number;
  /** Of one HTTP/2 session's buffers and tables. */
  maxSessionMemoryMib: number;
  maxHeaderBytes: number;
  maxHeaderCount: number;
  /** How long a connection may wait for its preface, once it is secure. */
  handshakeTimeoutMs: number;
  idleTimeoutMs: number;
  keepaliveMs: number;
  keepaliveTimeoutMs: number;
}

/** Bounds on what clients that nobody knows can make a server hold and do. */
export interface StrangerLimits extends DoorLimits, Http2Limits {
  /** From the acceptance of a connection to its end, whatever happens on it: one exchange takes a fraction of it. */
  connectionLifetimeMs: number;
  /** Calls a second in the long run, and how many at once. */
  callsPerSecond: number;
  callBurst: number;
  callsPerSecondPerAddress: number;
  callBurstPerAddress: number;
}
