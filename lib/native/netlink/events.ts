/** From a batch of records to lists and events: what stands at the front of each record is `kind | what << 3` (native/netlink/objects.h). */
import type { NetlinkEvent, ObjectEvent, ObjectKind, ResyncEvent, Snapshot } from '../contract.js';
import { type RawBatch, RecordCursor, readAddress, readLink, readNeighbour, readRoute, readRule } from './records.js';

/** Positions are the numbers of Kind in native/netlink/objects.h. */
export const KINDS: readonly (ObjectKind | undefined)[] = [undefined, 'link', 'address', 'route', 'rule', 'neighbour'];

const readers = { link: readLink, address: readAddress, route: readRoute, rule: readRule, neighbour: readNeighbour };

const CHANGES = [undefined, 'new', 'removed', 'replaced'] as const;
const RESYNC = 4;
const LIST_END = 5;
const CAUSES = ['start', 'overrun', 'stale-routes'] as const;

/** The objects of a batch that holds nothing but one kind of them. */
export function readList<Entry>(batch: RawBatch, read: (cursor: RecordCursor) => Entry): Entry[] {
  const cursor = new RecordCursor(batch);
  const entries: Entry[] = [];
  while (!cursor.isAtEnd) {
    cursor.number();
    entries.push(read(cursor));
  }
  return entries;
}

export function readEvents(batch: RawBatch): NetlinkEvent[] {
  const cursor = new RecordCursor(batch);
  const events: NetlinkEvent[] = [];
  while (!cursor.isAtEnd) {
    const head = cursor.number();
    events.push(head >> 3 === RESYNC ? readResync(cursor) : readObjectEvent(cursor, head));
  }
  return events;
}

function kindOf(head: number): ObjectKind {
  return KINDS[head & 7] as ObjectKind;
}

function readObjectEvent(cursor: RecordCursor, head: number): ObjectEvent {
  const kind = kindOf(head);
  const change = CHANGES[head >> 3];
  return { kind, change, object: readers[kind](cursor) } as ObjectEvent;
}

function readResync(cursor: RecordCursor): ResyncEvent {
  const kinds = cursor.number();
  const cause = CAUSES[cursor.number()] as ResyncEvent['cause'];
  const epoch = cursor.number();
  const snapshot: Record<string, unknown[]> = {};
  for (const [number, kind] of KINDS.entries()) {
    // A kind of which there is nothing has an empty list.
    if (kind !== undefined && (kinds & (1 << number)) !== 0) snapshot[kind] = [];
  }
  for (let head = cursor.number(); head >> 3 !== LIST_END; head = cursor.number()) {
    const kind = kindOf(head);
    snapshot[kind]?.push(readers[kind](cursor));
  }
  return { kind: 'resync', cause, epoch, snapshot: snapshot as Snapshot };
}
