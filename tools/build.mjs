// npm run build [-- --no-images]: everything but booting.
import { parseArgs } from 'node:util';
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';

await runMain(() => {
  const { values } = parseArgs({ options: { 'no-images': { type: 'boolean', default: false } } });
  return buildAll({ upTo: values['no-images'] ? 'build' : 'images' });
});
