/** Everything of the addon that waits or holds something: one entry each, for tests of what happens when its owner goes away. */
import type { NativeAddon } from '../../lib/native/contract.js';

export interface Busy {
  /** Settles when the work ends, or is ended by `close`; undefined for what only holds things. */
  pending?: Promise<unknown>;
  /** Ends it; may be called twice. */
  close?(): void;
  /** Objects whose every method is called afterwards. */
  objects: object[];
  /** It keeps nothing alive: when nobody has it any more, it goes, closed or not. */
  isCollectable?: boolean;
}

const closeAll = (all: { close(): void }[]) => {
  for (const each of all) each.close();
};

const RING_BYTES = 65_536;

function busyChannel({ channel }: NativeAddon): Busy {
  const [one, two] = channel.pair();
  const quiet = { onMessage() {}, onClose() {} };
  const ends = [one, two].map((end) => channel.open(end, { maxMessageBytes: 64 }, quiet));
  ends[0]?.send(Buffer.from('in the air'));
  return { close: () => closeAll(ends), objects: ends };
}

function waitingReader({ ring }: NativeAddon): Busy {
  const log = ring.create({ name: 'busy', sizeBytes: RING_BYTES });
  const subscription = log.subscribe();
  const reader = ring.openReader(subscription);
  return {
    pending: reader.wait(),
    close: () => {
      reader.close();
      subscription.end();
      log.close();
    },
    objects: [reader, log],
  };
}

function drainingRing({ ring, descriptor }: NativeAddon): Busy {
  const log = ring.create({ name: 'busy', sizeBytes: RING_BYTES });
  const [read, write] = descriptor.pipe();
  log.attach(read, 'stdout');
  return {
    pending: log.drained(),
    close: () => {
      write.close();
      log.close();
    },
    objects: [log, write],
  };
}

function armedTimer({ clock }: NativeAddon): Busy {
  const timer = clock.createTimer();
  timer.arm(clock.bootTimeMs() + 3_600_000);
  return { pending: timer.wait(), close: () => timer.close(), objects: [timer] };
}

function monitoredUevents({ netlink }: NativeAddon): Busy {
  const monitor = netlink.monitorUevents({ onUevent() {}, onOverrun() {} });
  return { close: () => monitor.close(), objects: [monitor] };
}

function heldDescriptors({ descriptor }: NativeAddon): Busy {
  const [read, write] = descriptor.pipe();
  const copy = descriptor.duplicate(read);
  const all = [read, write, copy];
  return { close: () => closeAll(all), objects: all, isCollectable: true };
}

function idleReader({ ring, descriptor }: NativeAddon): Busy {
  const log = ring.create({ name: 'busy', sizeBytes: RING_BYTES });
  const [read, write] = descriptor.pipe();
  log.attach(read, 'stdout');
  const { memory, doorbell } = log.subscribe();
  const reader = ring.openReader({ memory, doorbell });
  write.close();
  return { close: () => closeAll([reader, log]), objects: [reader, log], isCollectable: true };
}

/** On the thread pool: it ends by itself, and must find nobody gone. */
function unmounting({ mount }: NativeAddon): Busy {
  return { pending: mount.umount('/no/such/mount', []), objects: [] };
}

export const busy: Record<string, (native: NativeAddon) => Busy> = {
  'an open channel': busyChannel,
  'a reader that waits': waitingReader,
  'a ring that drains': drainingRing,
  'a timer that is armed': armedTimer,
  'a monitor of uevents': monitoredUevents,
  descriptors: heldDescriptors,
  'a reader that does not wait': idleReader,
  'an unmount': unmounting,
};
