import { readdirSync, readFileSync } from 'node:fs';
import type { EventWatch, NetlinkModule, PowerModule } from '../native/contract.js';

/** KEY_POWER of linux/input-event-codes.h. */
const KEY_POWER = 116;
/** A keyboard has a power key as well, which is no button of the machine: a device with more keys than this is one. */
const MAX_KEYS = 8;

export interface PowerButton {
  /** '/dev/input/event0' */
  path: string;
  /** As its driver calls it: 'Power Button', 'gpio-keys'. */
  name: string;
}

export interface PowerButtonHandlers {
  /** Pressed, on a button of this name. */
  onPress(name: string): void;
  /** A button was found and is watched, also one that comes later. */
  onFound(button: PowerButton): void;
  /** One that cannot be opened. */
  onProblem(button: PowerButton, error: unknown): void;
}

interface ButtonSeams {
  power: Pick<PowerModule, 'watchKeys'>;
  netlink: Pick<NetlinkModule, 'monitorUevents'>;
  /** /sys/class/input */
  classFolder?: string;
}

/**
 * The bits of a capability in sysfs: hexadecimal words, the highest first, without zeros in front. Pure.
 * @returns the numbers of the bits that are set; empty for a text that is none
 */
export function parseCapabilityBits(text: string): number[] {
  const words = text.trim().split(/\s+/).reverse();
  if (!words.every((word) => /^[0-9a-f]{1,16}$/.test(word))) return [];
  return words.flatMap((word, index) => {
    const value = BigInt(`0x${word}`);
    return Array.from({ length: 64 }, (_, bit) => bit)
      .filter((bit) => (value >> BigInt(bit)) & 1n)
      .map((bit) => index * 64 + bit);
  });
}

/** Input devices that are a power button: they have its key, and few others. Does not block. */
export function findPowerButtons(classFolder = '/sys/class/input'): PowerButton[] {
  return namesIn(classFolder)
    .filter((name) => /^event\d+$/.test(name))
    .flatMap((name) => {
      const keys = parseCapabilityBits(textOf(`${classFolder}/${name}/device/capabilities/key`));
      if (!keys.includes(KEY_POWER) || keys.length > MAX_KEYS) return [];
      return { path: `/dev/input/${name}`, name: textOf(`${classFolder}/${name}/device/name`).trim() };
    });
}

/**
 * Watches every power button of the machine, those that appear later as well: the monitor is there before the first look, and a lost
 * event is a reason to look again. Nothing is polled.
 * @returns ends it
 */
export function watchPowerButtons(seams: ButtonSeams, handlers: PowerButtonHandlers): () => void {
  const { power, netlink, classFolder } = seams;
  const watches = new Map<string, EventWatch>();

  const watch = (button: PowerButton): void => {
    try {
      const { path, name } = button;
      watches.set(
        path,
        power.watchKeys(path, {
          onKeys: (keys) => {
            if (keys.some(({ code, action }) => code === KEY_POWER && action === 'pressed')) handlers.onPress(name);
          },
          // Taken away. Its number may come back with another device, which may have been announced already.
          onEnd: () => {
            watches.delete(path);
            look();
          },
        }),
      );
      handlers.onFound(button);
    } catch (error) {
      handlers.onProblem(button, error);
    }
  };
  const look = (): void => {
    for (const button of findPowerButtons(classFolder)) if (!watches.has(button.path)) watch(button);
  };

  const monitor = netlink.monitorUevents({
    onUevent: ({ action, subsystem, properties }) => {
      if (action === 'add' && subsystem === 'input' && properties.DEVNAME !== undefined) look();
    },
    onOverrun: look,
  });
  look();
  return () => {
    monitor.close();
    for (const each of watches.values()) each.close();
    watches.clear();
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Nothing for a folder that is not there: a machine without input devices. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
