/**
 * Everything of the addon that waits or holds something: one entry each, for tests of what happens when its owner goes away.
 * They need namespaces of mounts and networks that they may change.
 */
import type { NativeAddon } from '../../lib/native/contract.js';
import { QUIET } from './collect.js';
import { mountDead } from './dead-mount.js';

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

/** Both sides wait for the other; the ends at which nobody is are kept by nothing but this. */
function openRelay({ descriptor, relay }: NativeAddon): Busy {
  const [near, left] = descriptor.streamPair();
  const [far, right] = descriptor.streamPair();
  const moving = relay.start(left, right, { onHalfClosed() {}, onOver() {} });
  const close = () => {
    moving.abort();
    closeAll([near, far]);
  };
  return { close, objects: [moving] };
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

function subscribedRoutes({ netlink }: NativeAddon): Busy {
  const monitor = netlink.subscribe({ kinds: ['link', 'route'], onEvents() {}, onError() {} });
  return { close: () => monitor.close(), objects: [monitor] };
}

function heardRouters({ netlink }: NativeAddon): Busy {
  const monitor = netlink.monitorNameServers({ onNameServers() {}, onError() {} });
  return { close: () => monitor.close(), objects: [monitor] };
}

function followedLog({ kmsg }: NativeAddon): Busy {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  return { pending: reader.wait(), close: () => reader.close(), objects: [reader] };
}

function listeningClient({ dhcp }: NativeAddon): Busy {
  const socket = dhcp.open({ index: 1, mac: '02:00:00:00:00:01' });
  return { pending: socket.wait(), close: () => socket.close(), objects: [socket] };
}

/** It ends when its input does, and so with us at the latest. */
function runningChild({ descriptor, process: processes }: NativeAddon): Busy {
  startReaperOnce(processes);
  const [read, write] = descriptor.pipe();
  const child = processes.spawn({ ...QUIET, file: '/bin/cat', argv: ['cat'], stdin: read, stderr: 'null' });
  read.close();
  return {
    pending: child.exited,
    close: () => {
      child.kill('SIGKILL');
      write.close();
    },
    objects: [child, write],
  };
}

/** One a process, which may be running for another thread. */
function startReaperOnce(processes: NativeAddon['process']): void {
  try {
    processes.startReaper({ subreaper: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EALREADY') throw error;
  }
}

const hanging =
  (call: (native: NativeAddon, folder: string) => Promise<unknown>) =>
  (native: NativeAddon): Busy => {
    const { folder, close } = mountDead(native.mount);
    return { pending: call(native, folder), close, objects: [] };
  };

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

/** It ends by itself, and must find nobody gone. */
function unmounting({ mount }: NativeAddon): Busy {
  return { pending: mount.umount('/no/such/mount', []), objects: [] };
}

export const busy: Record<string, (native: NativeAddon) => Busy> = {
  'an open channel': busyChannel,
  'a relay': openRelay,
  'a reader that waits': waitingReader,
  'a ring that drains': drainingRing,
  'a timer that is armed': armedTimer,
  'a monitor of uevents': monitoredUevents,
  'a subscription to routes': subscribedRoutes,
  'a monitor of name servers': heardRouters,
  'a reader of the kernel log that waits': followedLog,
  'a DHCP socket': listeningClient,
  'a child': runningChild,
  'a file that does not answer': hanging(({ files }, folder) => files.openRoot(`${folder}/x`)),
  'a disk that does not answer': hanging(({ block }, folder) => block.inspect(`${folder}/disk`)),
  'a file system that does not answer': hanging(({ mount }, folder) => mount.statfs(folder)),
  descriptors: heldDescriptors,
  'a reader that does not wait': idleReader,
  'an unmount': unmounting,
};
