import { status } from '@grpc/grpc-js';
import { withSignals } from '../../base/abort.js';
import { counterOf, isEventId, isSameBoot } from '../../base/event-id.js';
import type { NodeEvent } from '../../control/node-event.js';
import type { machine } from '../../gen/machine/machine.js';
import type { OsdContext } from '../context.js';
import type { DataStream } from '../data-stream.js';
import { emptyEvent, eventMessage } from '../event-message.js';
import type { EventMirror } from '../event-mirror.js';
import { RpcError } from '../status.js';

/** Events that a slow client may hold. */
export const MAX_EVENTS_IN_FLIGHT = 32;
const SECOND_MS = 1000;

type Request = Pick<machine.EventsRequest, 'tailEvents' | 'tailId' | 'tailSeconds' | 'withActorId'>;

/**
 * Streams what happens on the node: those events first that the request asks for, then each as it comes, none twice. What was dropped
 * before this client came to it is told in a message without an event where it is missing. While the node goes down this stream goes on,
 * until this process is stopped: whoever has asked for it wants to see it.
 * @throws RpcError INVALID_ARGUMENT tail_id is no id of an event
 */
export async function events(context: OsdContext, request: Request, stream: DataStream): Promise<void> {
  const { events: mirror, ending } = context;
  if (request.tailId !== '' && !isEventId(request.tailId)) {
    throw new RpcError(status.INVALID_ARGUMENT, 'tail_id is no id of an event: it has 20 characters of 0-9 and a-v');
  }
  await mirror.refresh();
  let seen = startOf(mirror, request, Date.now());
  await stream.ready();
  stream.send(emptyEvent(context.hostname(), request.withActorId));
  for (;;) {
    const isLast = ending.aborted;
    if (isLast) await mirror.refresh();
    for (const event of mirror.after(seen)) {
      const missed = event.sequence - seen - 1;
      seen = event.sequence;
      const isWanted = isOf(request.withActorId)(event);
      if (missed === 0 && !isWanted) continue;
      if (missed > 0) {
        await stream.ready();
        stream.send(emptyEvent(context.hostname(), request.withActorId, `missed ${missed} events`));
      }
      if (!isWanted) continue;
      await stream.ready();
      stream.send(eventMessage(event, context.hostname()));
    }
    if (isLast && mirror.newest === seen) break;
    stream.signal.throwIfAborted();
    await withSignals([stream.signal, ending], (either) => mirror.changed(seen, either));
  }
  await stream.flushed();
  throw new RpcError(status.UNAVAILABLE, 'the API of this node is being stopped');
}

const isOf = (actorId: string) => (event: NodeEvent) => actorId === '' || event.actorId === actorId;

/** Number of the event behind which the stream begins. Several wishes: the latest of their places. */
function startOf(mirror: EventMirror, request: Request, nowMs: number): number {
  const { tailEvents, tailId, tailSeconds, withActorId } = request;
  const all = mirror.all();
  const before = (event: NodeEvent | undefined) => (event ? event.sequence - 1 : mirror.newest);
  const places: number[] = [];
  if (tailEvents < 0) places.push(before(all[0]));
  if (tailEvents > 0) places.push(before(all.filter(isOf(withActorId)).slice(-tailEvents)[0]));
  if (tailSeconds > 0) places.push(before(all.find(({ timeMs }) => timeMs >= nowMs - tailSeconds * SECOND_MS)));
  if (tailId !== '') places.push(placeOf(mirror, tailId));
  return places.length === 0 ? mirror.newest : Math.max(...places);
}

/** Number of the event with that id; 0 for one of another boot: everything of this one is later. */
function placeOf(mirror: EventMirror, id: string): number {
  const found = mirror.all().find((event) => event.id === id);
  if (found) return found.sequence;
  const newest = mirror.all().at(-1);
  if (!newest || !isSameBoot(newest.id, id)) return 0;
  // Dropped already: its counter says how many came between.
  const distance = counterOf(newest.id) - counterOf(id);
  return distance > 0 ? newest.sequence - distance : newest.sequence;
}
