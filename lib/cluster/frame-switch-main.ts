/**
 * The process of a cluster's network: `frame-switch-main.js SOCKET`. It says `listening` when machines may connect, and ends when it is
 * told to (SIGTERM) or when no machine has been connected for a while: nothing of a cluster stays behind whose machines have ended.
 */
import { rmSync } from 'node:fs';
import { MINUTE_MS } from '../base/units.js';
import { FrameSwitch } from './frame-switch.js';

/** Machines are started one after the other, and tests start one anew. */
const DEFAULT_IDLE_MS = MINUTE_MS;

const [socket, idleMs = String(DEFAULT_IDLE_MS)] = process.argv.slice(2);
if (socket === undefined) throw new TypeError('usage: frame-switch-main.js SOCKET [IDLE_MS]');

let idle: NodeJS.Timeout;
function end(): void {
  rmSync(socket as string, { force: true });
  process.exit(0);
}
function watch(connected: number): void {
  clearTimeout(idle);
  if (connected === 0) idle = setTimeout(end, Number(idleMs));
}

process.on('SIGTERM', end);
await new FrameSwitch(watch).listen(socket);
watch(0);
process.stdout.write('listening\n');
