/**
 * A client for the simple network time protocol (RFC 4330, and the checks of RFC 5905): one question, one answer.
 *
 * Our request carries a random number where our time would stand: it says nothing about us, and whoever answers without having seen it
 * is not listened to. Everything else in the answer may be a lie too, so it is checked for what cannot be true.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { TalosError } from '../base/errors.js';

export interface SntpAnswer {
  /** What has to be added to the local clock. */
  offsetMs: number;
  /** Of the way there and back; half of it is how wrong the offset may be. */
  delayMs: number;
  stratum: number;
  /** The local and the server's clock when the answer arrived, milliseconds since 1970. */
  localMs: number;
  remoteMs: number;
}

export interface SntpOptions {
  /** 123 but in tests. */
  port?: number;
  timeoutMs?: number;
}

const PORT = 123;
const DEFAULT_TIMEOUT_MS = 5000;
const PACKET_BYTES = 48;
/** Leap indicator 0, version 4, mode 3: client. */
const CLIENT_HEADER = 0x23;
const SERVER_MODE = 4;
const UNSYNCHRONISED = 3;
const MAX_STRATUM = 15;
/** From a clock that is further from its source than that nobody should learn. */
const MAX_ROOT_DISTANCE_MS = 1500;
/** Offsets of the fields. */
const STRATUM = 1;
const ROOT_DELAY = 4;
const ROOT_DISPERSION = 8;
const REFERENCE_ID = 12;
const ORIGIN = 24;
const RECEIVE = 32;
const TRANSMIT = 40;

/** Seconds from 1900 to 1970. */
const EPOCH_SECONDS = 2_208_988_800;
const ERA_SECONDS = 2 ** 32;

/**
 * Asks one server.
 * @param address  literal
 * @throws TalosError ERR_TIME_SERVER it does not answer in time, cannot be reached, or says that it is not to be asked
 */
export async function querySntp(address: string, options: SntpOptions = {}): Promise<SntpAnswer> {
  const { port = PORT, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const cookie = randomBytes(8);
  try {
    return await new Promise<SntpAnswer>((resolve, reject) => {
      let sentMs = 0;
      let sentAt = 0;
      let ignored = '';
      const fail = (why: string, cause?: unknown) =>
        reject(new TalosError('ERR_TIME_SERVER', `time server ${address} ${why}`, { cause }));
      const timer = setTimeout(() => {
        const but = ignored === '' ? '' : `; what came was not taken: ${ignored}`;
        fail(`did not answer within ${timeoutMs / 1000} s${but}`);
      }, timeoutMs);
      socket.once('close', () => clearTimeout(timer));
      socket.once('error', (error) => fail(`cannot be reached: ${error.message}`, error));
      socket.on('message', (packet) => {
        const elapsedMs = performance.now() - sentAt;
        const found = readAnswer(packet, cookie, sentMs, elapsedMs);
        if ('answer' in found) resolve(found.answer);
        else if (found.isFinal) fail(found.why);
        else ignored = found.why;
      });
      // A connected socket takes datagrams of that address and port only, and hears that nobody listens there.
      // Not as the argument of `connect`, which is also called when there is no way to the server, and takes the error away.
      socket.once('connect', () => {
        sentMs = Date.now();
        sentAt = performance.now();
        socket.send(request(cookie));
      });
      socket.connect(port, address);
    });
  } finally {
    socket.close();
  }
}

function request(cookie: Buffer): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES);
  packet[0] = CLIENT_HEADER;
  cookie.copy(packet, TRANSMIT);
  return packet;
}

type Reading =
  | { answer: SntpAnswer }
  | { why: string /** It is from the server, so nothing better will come. */; isFinal: boolean };

/**
 * Checks a datagram.
 * @param cookie  what our request had as its transmit timestamp
 */
export function readAnswer(packet: Buffer, cookie: Buffer, sentMs: number, elapsedMs: number): Reading {
  const forged = (why: string): Reading => ({ why, isFinal: false });
  const refused = (why: string): Reading => ({ why, isFinal: true });
  if (packet.length < PACKET_BYTES) return forged('a datagram that is too short');
  const header = packet.readUInt8(0);
  const [leap, version, mode] = [header >> 6, (header >> 3) & 7, header & 7];
  if (mode !== SERVER_MODE || version < 1 || version > 4) return forged('a datagram that is no answer');
  if (!packet.subarray(ORIGIN, ORIGIN + 8).equals(cookie)) return forged('an answer to another question');
  const stratum = packet.readUInt8(STRATUM);
  if (stratum === 0) return refused(`wants not to be asked (${kissCode(packet)})`);
  if (leap === UNSYNCHRONISED || stratum > MAX_STRATUM) return refused('does not know the time itself');
  const rootMs = shortMs(packet, ROOT_DELAY) / 2 + shortMs(packet, ROOT_DISPERSION);
  if (rootMs > MAX_ROOT_DISTANCE_MS)
    return refused(`is not sure of the time: it may be ${Math.round(rootMs)} ms wrong`);
  const receivedMs = timestampMs(packet, RECEIVE);
  const transmittedMs = timestampMs(packet, TRANSMIT);
  if (receivedMs === undefined || transmittedMs === undefined) return refused('sent no time');
  const delayMs = elapsedMs - (transmittedMs - receivedMs);
  // A millisecond for clocks that are read at different moments.
  if (transmittedMs < receivedMs || delayMs < -1) return refused('sent times that cannot be true');
  const localMs = sentMs + elapsedMs;
  const offsetMs = (receivedMs - sentMs + (transmittedMs - localMs)) / 2;
  return { answer: { offsetMs, delayMs: Math.max(0, delayMs), stratum, localMs, remoteMs: localMs + offsetMs } };
}

/** Seconds and their fraction, 32 bits each; undefined for zero, which means "not known". Before 2036 and after it: RFC 4330, section 3. */
function timestampMs(packet: Buffer, offset: number): number | undefined {
  const seconds = packet.readUInt32BE(offset);
  const fraction = packet.readUInt32BE(offset + 4);
  if (seconds === 0 && fraction === 0) return undefined;
  const era = seconds >= 2 ** 31 ? 0 : ERA_SECONDS;
  return (seconds + era - EPOCH_SECONDS) * 1000 + (fraction * 1000) / 2 ** 32;
}

/** Seconds and their fraction, 16 bits each. */
function shortMs(packet: Buffer, offset: number): number {
  return (packet.readUInt32BE(offset) * 1000) / 2 ** 16;
}

/** RATE, DENY and the like; what is not four letters is not shown. */
function kissCode(packet: Buffer): string {
  const code = packet.toString('latin1', REFERENCE_ID, REFERENCE_ID + 4);
  return /^[A-Z]{4}$/.test(code) ? code : 'it does not say why';
}
