/** Boots the image on every machine that it is for: `node out/js/test/soak/machines.js [WORD…]`, only those whose name has all of the words. */
import t from 'tap';
import { HOUR_MS } from '../../lib/base/units.js';
import { allCombinations, bootsOn, nameOf } from '../helpers/checks/hardware.js';

t.setTimeout(3 * HOUR_MS);

const words = process.argv.slice(2);
for (const combination of allCombinations()) {
  const name = nameOf(combination);
  if (words.every((word) => name.includes(word))) t.test(name, (t) => bootsOn(t, combination));
}
