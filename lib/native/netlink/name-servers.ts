/** What routers advertise, from a batch whose records are those of native/netlink/name_servers.cc. */
import type { AdvertisedNameServers } from '../contract.js';
import { type RawBatch, RecordCursor } from './records.js';

const LOSS = 0;
const FOR_EVER = 0xffff_ffff;

export function readNameServers(batch: RawBatch): { advertised: AdvertisedNameServers[]; hasLost: boolean } {
  const cursor = new RecordCursor(batch);
  const advertised: AdvertisedNameServers[] = [];
  let hasLost = false;
  while (!cursor.isAtEnd) {
    if (cursor.number() === LOSS) hasLost = true;
    else advertised.push(readOption(cursor));
  }
  return { advertised, hasLost };
}

function readOption(cursor: RecordCursor): AdvertisedNameServers {
  const index = cursor.number();
  const router = cursor.text();
  const lifetime = cursor.number();
  const servers = Array.from({ length: cursor.number() }, () => cursor.text());
  return { index, router, lifetimeSeconds: lifetime === FOR_EVER ? Number.POSITIVE_INFINITY : lifetime, servers };
}
