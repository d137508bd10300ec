/** The addon is built twice, by CMake for daily work and by binding.gyp for packages: both give the same to JavaScript. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadRaw } from '../../lib/native/index.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Names, types and, of functions, numbers of parameters; classes with their prototypes. */
function shapeOf(value: unknown, seen = new Set<unknown>()): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return typeof value;
  if (seen.has(value)) return 'seen';
  seen.add(value);
  const members = Reflect.ownKeys(value).map((key) => {
    const property = Reflect.getOwnPropertyDescriptor(value, key) ?? {};
    const accessors = [property.get ? 'get' : '', property.set ? 'set' : ''];
    return [String(key), property.enumerable, property.writable, ...accessors, shapeOf(property.value, seen)];
  });
  const own = members.sort((one, two) => String(one[0]).localeCompare(String(two[0])));
  return typeof value === 'function' ? { function: value.length, own } : { own };
}

t.test('both builds export the same', async (t) => {
  const cmake = loadRaw(`${root}out/cmake/Release/talos.node`);
  const gyp = loadRaw(`${root}prebuilds/linux-${process.arch}/talos.node`);
  t.ok(Object.keys(cmake).length > 5, 'there are modules');
  t.same(shapeOf(gyp), shapeOf(cmake));
});
