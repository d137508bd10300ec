/**
 * A DHCP server that does as it is told, in a network namespace of its own; started by link.ts, which talks to it over node:child_process's
 * channel. It answers with what the newest behaviour says, and tells every request that it hears.
 */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { type ClientRequest, encodeReply, readRequest, type ServerReply } from './wire.js';

export interface Behaviour {
  kind: 'answer' | 'silent' | 'refuse';
  /** Fields of every OFFER and ACK. */
  offer: Partial<ServerReply>;
  /** Requests for more time that are not answered yet. */
  ignored: number;
}

export type ServerEvent =
  | { kind: 'started' }
  | { kind: 'ready' }
  | { kind: 'left' }
  | { kind: 'request'; request: ClientRequest; from: string };

/** What the parent sends: first the interface, which it has moved here by then, and then behaviours. */
export type ServerCommand =
  | { kind: 'serve'; device: string; address: string }
  | { kind: 'behave'; behaviour: Behaviour }
  | { kind: 'carrier'; isUp: boolean }
  /** Its host stays, and tells by ICMP that nobody serves there any more; or it serves again. */
  | { kind: 'leave' }
  | { kind: 'return' };

let behaviour: Behaviour = { kind: 'silent', offer: {}, ignored: 0 };
let ownAddress = '';
let ownDevice = '';
let socket: Socket | undefined;

const tell = (event: ServerEvent) => process.send?.(event);
const ip = (line: string) => execFileSync('ip', line.split(' '));

function serve(device: string, address: string): void {
  ownAddress = address;
  ownDevice = device;
  ip('link set lo up');
  ip(`address add ${address}/24 dev ${device}`);
  setCarrier(true);
  listen();
}

function listen(): void {
  const own = createSocket({ type: 'udp4', reuseAddr: true });
  socket = own;
  own.on('message', (message, { address }) => {
    const request = readRequest(message);
    tell({ kind: 'request', request, from: address });
    answer(request);
  });
  own.bind(67, () => {
    own.setBroadcast(true);
    tell({ kind: 'ready' });
  });
}

function leave(): void {
  socket?.close(() => tell({ kind: 'left' }));
  socket = undefined;
}

/** A veth has a carrier while its other end is up. Routes go with an interface that is down. */
function setCarrier(isUp: boolean): void {
  ip(`link set ${ownDevice} ${isUp ? 'up' : 'down'}`);
  if (isUp) ip(`route add 255.255.255.255/32 dev ${ownDevice}`);
}

function answer(request: ClientRequest): void {
  const { xid, mac, clientAddress } = request;
  const isRequest = request.type === 'request';
  if (behaviour.kind === 'silent' || (!isRequest && request.type !== 'discover')) return;
  if (isRequest && clientAddress !== '0.0.0.0' && behaviour.ignored-- > 0) return;
  // A request that takes another server's offer.
  if (isRequest && request.serverId !== undefined && request.serverId !== ownAddress) return;
  const refuses = behaviour.kind === 'refuse' && isRequest;
  const reply: ServerReply = refuses
    ? { type: 'nak', xid, mac, serverId: ownAddress, text: 'not here' }
    : { type: isRequest ? 'ack' : 'offer', xid, mac, serverId: ownAddress, leaseSeconds: 3600, ...behaviour.offer };
  const isHeld = clientAddress !== '0.0.0.0' && !refuses;
  socket?.send(encodeReply(reply), 68, isHeld ? clientAddress : '255.255.255.255');
}

process.on('message', (command: ServerCommand) => {
  if (command.kind === 'serve') serve(command.device, command.address);
  else if (command.kind === 'carrier') setCarrier(command.isUp);
  else if (command.kind === 'leave') leave();
  else if (command.kind === 'return') listen();
  else behaviour = command.behaviour;
});
process.on('disconnect', () => process.exit());
tell({ kind: 'started' });
