/**
 * Calls everything that the addon exports with everything it does not expect, past the checks of lib/native. Run by wrong-types.test.ts in
 * namespaces of its own: what comes through does no harm there. Says what it calls, so that the last line names what ended it.
 */
import { writeSync } from 'node:fs';
import { addonPath, loadNative, loadRaw } from '../../lib/native/index.js';
import { busy } from './busy.js';
import { type Callable, membersOf, oddArguments, oddValues } from './odd-values.js';

/** Also with JavaScript's own errors: of interest is that it comes back. */
function attempt(call: () => unknown): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(() => {});
  } catch {}
}

function callWithEverything(member: Callable, receiver: unknown): void {
  writeSync(1, `${member.name}\n`);
  for (const args of oddArguments()) attempt(() => member.call(receiver, args));
}

/** Methods whose receiver is something else. */
function callOnStrangers(member: Callable): void {
  for (const value of oddValues()) attempt(() => member.call(value, []));
}

for (const [module, exported] of Object.entries(loadRaw(addonPath()))) {
  for (const member of membersOf(exported as object, module)) {
    callWithEverything(member, exported);
    callOnStrangers(member);
  }
  for (const [name, value] of Object.entries(exported as object)) {
    if (typeof value !== 'function' || !value.prototype) continue;
    writeSync(1, `new ${module}.${name}\n`);
    for (const args of oddArguments()) attempt(() => Reflect.construct(value, args));
    for (const member of membersOf(value.prototype, `${module}.${name}`)) callOnStrangers(member);
  }
}
const native = loadNative();
// The kernel's log is for nobody in a user namespace (dmesg_restrict); busy.test.ts calls the methods of its reader.
const { 'a reader of the kernel log that waits': _, ...possible } = busy;
for (const [name, start] of Object.entries(possible)) {
  const work = start(native);
  work.pending?.catch(() => {});
  for (const object of work.objects) {
    for (const member of membersOf(object, name)) {
      callWithEverything(member, object);
      callOnStrangers(member);
      for (const { objects } of [start(native)]) attempt(() => member.call(objects[0], [object]));
    }
  }
  work.close?.();
}
writeSync(1, 'end\n');
process.exit(0);
