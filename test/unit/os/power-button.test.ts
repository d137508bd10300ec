import t from 'tap';
import type { KeyEvent, Uevent } from '../../../lib/native/contract.js';
import { findPowerButtons, parseCapabilityBits, watchPowerButtons } from '../../../lib/os/power-button.js';

/** Bit 116: the second word from the right. */
const POWER_ONLY = '10000000000000 0';
const KEYBOARD = '402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe';

const device = (name: string, key: string) => ({ device: { name: `${name}\n`, capabilities: { key: `${key}\n` } } });

t.test('capabilities are bits', async (t) => {
  t.same(parseCapabilityBits(POWER_ONLY), [116]);
  t.same(parseCapabilityBits('0'), []);
  t.same(parseCapabilityBits('8000000000000001'), [0, 63]);
  for (const none of ['', 'x', '12345678901234567']) t.same(parseCapabilityBits(none), [], none);
});

t.test('a button is what has the key and few others', async (t) => {
  const folder = t.testdir({
    event0: device('Power Button', POWER_ONLY),
    event1: device('AT keyboard', KEYBOARD),
    event2: device('Sleep Button', '4000 0 0'),
    event3: { device: {} },
    input0: device('Power Button', POWER_ONLY),
  });
  t.same(findPowerButtons(folder), [{ path: '/dev/input/event0', name: 'Power Button' }]);
  t.same(findPowerButtons('/nowhere'), []);
});

function machine(folder: string) {
  const opened = new Map<string, { press(keys: KeyEvent[]): void; end(): void }>();
  const events: string[] = [];
  let monitor: { onUevent(event: Uevent): void; onOverrun(): void } | undefined;
  const stop = watchPowerButtons(
    {
      power: {
        watchKeys(path, { onKeys, onEnd }) {
          if (path.endsWith('9')) throw new Error('EACCES');
          opened.set(path, { press: (keys) => onKeys(keys, false), end: () => onEnd?.(new Error('ENODEV')) });
          return { close: () => void events.push(`close ${path}`) };
        },
      },
      netlink: {
        monitorUevents(handlers) {
          monitor = handlers;
          return { close: () => void events.push('close monitor') };
        },
      },
      classFolder: folder,
    },
    {
      onPress: (name) => void events.push(`pressed ${name}`),
      onFound: ({ path }) => void events.push(`found ${path}`),
      onProblem: ({ path }) => void events.push(`problem ${path}`),
    },
  );
  const added = (subsystem: string) =>
    monitor?.onUevent({ action: 'add', devpath: '', subsystem, properties: { DEVNAME: 'input/event1' } });
  return { opened, events, stop, added, overrun: () => monitor?.onOverrun() };
}

t.test('a press is told, a release and other keys are not', async (t) => {
  const { opened, events } = machine(t.testdir({ event0: device('Power Button', POWER_ONLY) }));
  const button = opened.get('/dev/input/event0');
  button?.press([{ code: 116, action: 'released' }]);
  button?.press([{ code: 142, action: 'pressed' }]);
  button?.press([{ code: 116, action: 'pressed' }]);
  t.same(events, ['found /dev/input/event0', 'pressed Power Button']);
});

t.test('buttons come and go', async (t) => {
  const tree: Record<string, unknown> = { event9: device('Broken Button', POWER_ONLY) };
  const folder = t.testdir(tree as never);
  const { opened, events, stop, added, overrun } = machine(folder);
  t.same(events, ['problem /dev/input/event9']);
  t.testdir({ event1: device('gpio-keys', POWER_ONLY) });
  added('net');
  t.equal(opened.size, 0, 'not for every event');
  added('input');
  added('input');
  t.same(events.slice(1), ['found /dev/input/event1'], 'each once');
  opened.get('/dev/input/event1')?.end();
  overrun();
  t.same(events.slice(2), ['found /dev/input/event1'], 'its number may come back');
  stop();
  t.same(events.slice(3), ['close monitor', 'close /dev/input/event1']);
});

t.test('a button in the place of one whose end is told late is watched', async (t) => {
  const { opened, events, added } = machine(t.testdir({ event0: device('Power Button', POWER_ONLY) }));
  added('input');
  t.same(events, ['found /dev/input/event0'], 'the one before is not known to be gone');
  opened.get('/dev/input/event0')?.end();
  t.same(events, ['found /dev/input/event0', 'found /dev/input/event0']);
  opened.get('/dev/input/event0')?.press([{ code: 116, action: 'pressed' }]);
  t.equal(events[2], 'pressed Power Button');
});
