/** What osd has of init's events, while it reads them and when some are missing. */
import t from 'tap';
import type { NodeEvent } from '../../../lib/control/node-event.js';
import { EventMirror } from '../../../lib/osd/event-mirror.js';

type Init = ConstructorParameters<typeof EventMirror>[0];

const event = (sequence: number) => ({ sequence, id: '', actorId: '', timeMs: 0 }) as NodeEvent;

t.test('a follower goes on behind events that were dropped, between any two replies', async (t) => {
  let kept = [1, 2, 3];
  /** init: two events a reply, each when it is let go. */
  const replies: (() => void)[] = [];
  const init = {
    async request(_method: string, { after }: { after: number }) {
      await new Promise<void>((resolve) => replies.push(resolve));
      const events = kept
        .filter((each) => each > after)
        .slice(0, 2)
        .map(event);
      return { body: { events }, descriptors: [] };
    },
  } as unknown as Init;
  const mirror = new EventMirror(init, (line) => t.fail(line));
  const reply = async () => {
    replies.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const seenAfter = (sequence: number) => mirror.after(sequence).map((each) => each.sequence);

  const first = mirror.refresh();
  for (let each = 0; each < 3; each++) await reply();
  await first;
  t.same(seenAfter(0), [1, 2, 3]);
  t.same(seenAfter(2), [3]);

  // Of those in between init has none any more.
  kept = [50, 51, 52, 53];
  mirror.notify();
  await reply();
  t.same(seenAfter(3), [50, 51]);
  t.same(seenAfter(40), [50, 51]);
  await reply();
  t.equal(mirror.newest, 53);
  t.same(
    seenAfter(51),
    [52, 53],
    'the next ones: with none a follower would look again and again, and init never be heard',
  );
  t.same(seenAfter(53), []);
  await reply();
});
