// npm run image [-- --arch A --format raw|uki|initramfs --profile P --output DIR]: what is released, see docs/image.md.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';
import { out } from './lib/paths.mjs';

await runMain(async () => {
  await buildAll({ upTo: 'build' });
  const { main } = await import(pathToFileURL(path.join(out, 'js', 'lib', 'image', 'release-main.js')).href);
  return main(process.argv.slice(2));
});
