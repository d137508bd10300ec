/**
 * When there is more to do than one thread has time for, those who ask for most wait.
 *
 * Every 100 ms: did the event loop have any time left? If not, each client (all connections that show one certificate) that asks for more
 * than a person or a dashboard does is not read from for a while, twice as long each time, and TCP makes it wait. A client that goes on
 * answering costs nothing then; nobody is cut off, and nobody waits while there is time, or nobody else.
 *
 * And always: after so many calls of one client in one turn of the loop, the others have theirs before more is read from it.
 */
import type { TLSSocket } from 'node:tls';
import { SECOND_MS } from '../base/units.js';
import { reading } from '../server/socket-reading.js';

const TICK_MS = 100;
/** Of the time since the last look, in which the loop was busy. */
const OVERLOADED = 0.9;
/** In units of about one call: what a client may ask for a second while the loop is overloaded. */
const ALLOWED_PER_SECOND = 50;
const HANDSHAKE_COST = 10;
const BYTES_PER_UNIT = 4096;
const MAX_PAUSE_MS = 1600;
/** Of one client, before the loop looks at others again: a single read can hold thousands, and libuv reads up to 32 times in a row. */
const CALLS_A_TURN = 16;
/** A client that was no burden for so long starts afresh, and so does everything once nobody is there. */
const FORGIVEN_AFTER_MS = 5 * SECOND_MS;

export interface FairShareOptions {
  /** Connections of everybody, also of those who have not shown a certificate yet. */
  total: () => number;
  /** Told every 100 ms while there are connections, and some seconds longer: was there more to do than time, in the seconds since the last call? */
  onLoad: (isOverloaded: boolean, seconds: number) => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** Share of the time since the last call in which the loop was busy, 0 to 1. */
  utilization?: () => number;
}

/** What a client has cost since the last look, and how long it has to wait. */
class Share {
  /** By socket: its bytes that are counted already. */
  readonly sockets = new Map<TLSSocket, number>();
  cost = 0;
  pauseMs = 0;
  pausedUntilMs = 0;
  burdenAtMs = Number.NEGATIVE_INFINITY;
  callsInTurn = 0;

  get isPaused(): boolean {
    return this.pausedUntilMs > 0;
  }

  /** Since the last call, in units. */
  takeCost(): number {
    for (const socket of this.sockets.keys()) this.count(socket);
    const { cost } = this;
    this.cost = 0;
    return cost;
  }

  count(socket: TLSSocket): void {
    const counted = this.sockets.get(socket) ?? 0;
    this.cost += (socket.bytesRead - counted) / BYTES_PER_UNIT;
    this.sockets.set(socket, socket.bytesRead);
  }

  /** libuv goes on with what it has read, and reads no more. */
  stop(): void {
    for (const socket of this.sockets.keys()) reading(socket)?.readStop();
  }

  start(): void {
    for (const socket of this.sockets.keys()) reading(socket)?.readStart();
  }
}

export class FairShare {
  private readonly shares = new Map<string, Share>();
  private readonly now: () => number;
  private readonly utilization: () => number;
  private lookedAtMs: number;
  private burdenedAtMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: FairShareOptions) {
    this.now = options.now ?? (() => performance.now());
    this.utilization = options.utilization ?? loopUtilization();
    this.lookedAtMs = this.now();
  }

  /**
   * A connection that HTTP/2 has begun to read from. Not before: bytes that wait in the socket for a session which the first of them end
   * are an exception that nobody can catch (Node 26, lib/internal/http2/core.js).
   * @param client  fingerprint of its certificate
   */
  joined(client: string, socket: TLSSocket): void {
    const share = this.shares.get(client) ?? new Share();
    this.shares.set(client, share);
    share.sockets.set(socket, socket.bytesRead);
    share.cost += HANDSHAKE_COST;
    socket.once('close', () => {
      share.count(socket);
      share.sockets.delete(socket);
    });
    if (share.isPaused) reading(socket)?.readStop();
  }

  /** A call of this client has come. */
  called(client: string): void {
    const share = this.shares.get(client);
    if (!share) return;
    share.cost += 1;
    if (share.callsInTurn++ === 0) {
      setImmediate(() => {
        const hadMany = share.callsInTurn >= CALLS_A_TURN;
        share.callsInTurn = 0;
        if (hadMany && !share.isPaused) share.start();
      });
    }
    if (share.callsInTurn === CALLS_A_TURN) share.stop();
  }

  /** There is a connection: looks from now on, until nobody is left. */
  start(): void {
    if (this.timer !== undefined) return;
    this.utilization();
    this.lookedAtMs = this.now();
    this.burdenedAtMs = this.lookedAtMs;
    this.timer = setInterval(() => this.look(), TICK_MS).unref();
  }

  /** What the timer does; in tests without one. */
  look(): void {
    const now = this.now();
    const seconds = Math.max(now - this.lookedAtMs, 1) / SECOND_MS;
    const isOverloaded = this.utilization() > OVERLOADED;
    this.lookedAtMs = now;
    this.options.onLoad(isOverloaded, seconds);
    for (const [client, share] of this.shares) {
      const isBurden = share.takeCost() > ALLOWED_PER_SECOND * seconds;
      if (isBurden) share.burdenAtMs = now;
      if (isBurden && isOverloaded && this.options.total() > share.sockets.size) {
        share.pauseMs = Math.min(Math.max(2 * share.pauseMs, TICK_MS), MAX_PAUSE_MS);
        share.pausedUntilMs = now + share.pauseMs;
        share.stop();
      } else if (share.isPaused && share.pausedUntilMs <= now) {
        share.pausedUntilMs = 0;
        share.start();
      } else if (!share.isPaused && now - share.burdenAtMs > FORGIVEN_AFTER_MS) this.forgive(client, share);
    }
    if (isOverloaded) this.burdenedAtMs = now;
    if (this.options.total() > 0 || this.shares.size > 0 || now - this.burdenedAtMs < FORGIVEN_AFTER_MS) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private forgive(client: string, share: Share): void {
    share.pauseMs = 0;
    if (share.sockets.size === 0) this.shares.delete(client);
  }
}

/** Of performance.eventLoopUtilization, between two calls. */
function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, last);
    last = current;
    return utilization;
  };
}
