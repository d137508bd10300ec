/**
 * Clients that try to take an API server down, each for some seconds, then gone. Only against servers of one's own.
 *
 * A flood sends as fast as its connections take it, and comes back when it is cut; `connections` of them side by side.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  frame,
  grpcMessage,
  PREFACE,
  settingsWithWindow,
  TYPE,
  uint32,
} from './frames.js';

export interface Target {
  host: string;
  port: number;
  /** PEM; of a client that is let in. */
  ca: string;
  crt: string;
  key: string;
  /** Where the flood comes from. */
  localAddress?: string;
}

export interface Tally {
  opened: number;
  /** By the server. */
  closed: number;
  sentBytes: number;
}

type Open = (target: Target) => Socket;
interface Flood {
  open: Open;
  connections: number;
  /** What a connection begins with. */
  first?: (stream: number) => Buffer;
  /** What it goes on with, for ever; undefined: silence. */
  next?: (turn: number) => Buffer;
}

/** Waits after a connection was cut: a flood is of frames, not of handshakes, where it does not say so. */
const COMES_BACK_MS = 20;

/** A connection attempt that nothing became of. */
const ATTEMPT_MS = 5000;

const version = '/machine.MachineService/Version';
const SETTINGS = frame(TYPE.settings, 0, 0);
const opening = (...frames: Buffer[]) => Buffer.concat([PREFACE, SETTINGS, ...frames]);
const repeated = (count: number, bytes: Buffer) => {
  const block = Buffer.concat(Array.from({ length: count }, () => bytes));
  return () => block;
};
const openCall = frame(TYPE.headers, END_HEADERS, 1, callHeaders(version));
/** Stream numbers go up; a connection of this test never comes to their end. */
const eachTurn = (count: number, make: (stream: number) => Buffer) => (turn: number) =>
  Buffer.concat(Array.from({ length: count }, (_, at) => make(2 * (turn * count + at) + 1)));

const options = ({ host, port, ca, localAddress }: Target) => ({
  ...{ host, port, ca, servername: 'localhost', ALPNProtocols: ['h2'], checkServerIdentity: () => undefined },
  ...(localAddress !== undefined && { localAddress }),
});
const tls: Open = (target) => connectTls({ ...options(target), cert: target.crt, key: target.key });
const stranger: Open = (target) => connectTls(options(target));
const tcp: Open = ({ host, port, localAddress }) =>
  connectTcp({ host, port, ...(localAddress !== undefined && { localAddress }) });

const many = (path: string, body: Buffer) =>
  Array.from({ length: 64 }, (_, at) => [
    frame(TYPE.headers, END_HEADERS, 2 * at + 1, callHeaders(path)),
    frame(TYPE.data, END_STREAM, 2 * at + 1, body),
  ]).flat();
/** LogsRequest: namespace 'system', id 'osd', follow, all lines. */
const logsRequest = Buffer.concat([
  ...[Buffer.from('\x0a\x06system'), Buffer.from('\x12\x03osd'), Buffer.from([0x20, 1, 0x28])],
  Buffer.from([...Array<number>(9).fill(0xff), 1]),
]);
/** The start of a message that says how long it will be, and what the window of its stream takes of it. */
const halfRequest = (stream: number, announced: number) => {
  const body = grpcMessage(Buffer.alloc(60_000), announced);
  return [
    frame(TYPE.headers, END_HEADERS, stream, callHeaders('/machine.MachineService/ServiceList')),
    ...Array.from({ length: Math.ceil(body.length / 16_000) }, (_, at) =>
      frame(TYPE.data, 0, stream, body.subarray(at * 16_000, (at + 1) * 16_000)),
    ),
  ];
};

export const FLOODS: Readonly<Record<string, Flood>> = {
  ping: {
    open: tls,
    connections: 4,
    first: () => opening(),
    next: repeated(500, frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
  },
  settings: { open: tls, connections: 4, first: () => opening(), next: repeated(500, SETTINGS) },
  'window updates': {
    ...{ open: tls, connections: 4, first: () => opening(openCall) },
    next: repeated(
      500,
      Buffer.concat([frame(TYPE.windowUpdate, 0, 0, uint32(1)), frame(TYPE.windowUpdate, 0, 1, uint32(1))]),
    ),
  },
  'empty data': {
    open: tls,
    connections: 4,
    first: () => opening(openCall),
    next: repeated(500, frame(TYPE.data, 0, 1)),
  },
  priorities: {
    ...{ open: tls, connections: 4, first: () => opening() },
    next: eachTurn(500, (stream) => frame(TYPE.priority, 0, stream, Buffer.concat([uint32(0), Buffer.from([9])]))),
  },
  continuation: {
    ...{ open: tls, connections: 4, first: () => opening(frame(TYPE.headers, 0, 1, Buffer.from([0x82]))) },
    next: repeated(50, frame(TYPE.continuation, 0, 1, Buffer.alloc(1000, 0x40))),
  },
  'rapid reset': {
    ...{ open: tls, connections: 4, first: () => opening() },
    next: eachTurn(100, (stream) =>
      Buffer.concat([
        frame(TYPE.headers, END_HEADERS, stream, callHeaders(version)),
        frame(TYPE.reset, 0, stream, uint32(8)),
      ]),
    ),
  },
  calls: {
    ...{ open: tls, connections: 4, first: () => opening() },
    next: eachTurn(50, (stream) =>
      Buffer.concat([
        frame(TYPE.headers, END_HEADERS, stream, callHeaders(version)),
        frame(TYPE.data, END_STREAM, stream, grpcMessage(Buffer.alloc(0))),
      ]),
    ),
  },
  'requests without end': {
    ...{ open: tls, connections: 32 },
    first: () => opening(...Array.from({ length: 64 }, (_, at) => halfRequest(2 * at + 1, 65_000)).flat()),
  },
  'huge requests': {
    ...{ open: tls, connections: 8 },
    first: () => opening(...Array.from({ length: 64 }, (_, at) => halfRequest(2 * at + 1, 2 ** 30)).flat()),
  },
  'readers that do not read': {
    ...{ open: tls, connections: 64 },
    first: () =>
      Buffer.concat([
        ...[PREFACE, settingsWithWindow(0)],
        ...many('/machine.MachineService/Logs', grpcMessage(logsRequest)),
      ]),
  },
  'readers that read a byte at a time': {
    ...{ open: tls, connections: 32 },
    first: () =>
      Buffer.concat([
        ...[PREFACE, settingsWithWindow(1)],
        ...many('/machine.MachineService/ServiceList', grpcMessage(Buffer.alloc(0))),
      ]),
  },
  'half-open TLS': { open: tcp, connections: 512, first: () => Buffer.from('160301020001', 'hex') },
  'handshakes without certificate': { open: stranger, connections: 64, first: () => opening() },
  'silent connections': { open: tcp, connections: 512 },
};

/** Runs one flood. Resolves when its time is over and all of its connections are closed. */
export async function flood(name: string, target: Target, seconds: number): Promise<Tally> {
  const kind = FLOODS[name];
  if (!kind) throw new Error(`no flood ${name}`);
  const tally: Tally = { opened: 0, closed: 0, sentBytes: 0 };
  const end = Date.now() + seconds * 1000;
  await Promise.all(Array.from({ length: kind.connections }, () => attackUntil(end, kind, target, tally)));
  return tally;
}

async function attackUntil(end: number, kind: Flood, target: Target, tally: Tally): Promise<void> {
  while (Date.now() < end) {
    await attackOnce(end, kind, target, tally);
    await new Promise((resolve) => setTimeout(resolve, COMES_BACK_MS));
  }
}

function attackOnce(end: number, kind: Flood, target: Target, tally: Tally): Promise<void> {
  const socket = kind.open(target);
  let turn = 0;
  let isClosed = false;
  const write = (bytes: Buffer) => {
    tally.sentBytes += bytes.length;
    return socket.write(bytes);
  };
  const goOn = () => {
    if (!kind.next) return;
    while (!isClosed && Date.now() < end && write(kind.next(turn++)));
    if (!isClosed && Date.now() < end) socket.once('drain', goOn);
  };
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), Math.max(1, end - Date.now()));
    socket.on('error', () => {});
    socket.resume();
    socket.once('close', () => {
      isClosed = true;
      clearTimeout(timer);
      if (Date.now() < end) tally.closed += 1;
      resolve();
    });
    socket.once(kind.open === tcp ? 'connect' : 'secureConnect', () => {
      tally.opened += 1;
      if (kind.first) write(kind.first(1));
      goOn();
    });
  });
}

/** Opens `count` connections in all, at most `atOnce` at any time, each closed as soon as it is there. */
export async function connectionAttempts(target: Target, count: number, atOnce = 500): Promise<Tally> {
  const tally: Tally = { opened: 0, closed: 0, sentBytes: 0 };
  let started = 0;
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = tcp(target);
      socket.on('error', () => {});
      // Whatever is between may keep it open when the server does not.
      socket.setTimeout(ATTEMPT_MS, () => socket.destroy());
      socket.once('connect', () => {
        tally.opened += 1;
        socket.end('x');
      });
      socket.resume();
      socket.once('close', () => {
        tally.closed += 1;
        resolve();
      });
    });
  const worker = async () => {
    while (started < count) {
      started += 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return tally;
}
