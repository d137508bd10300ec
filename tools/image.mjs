// npm run image [-- --arch A --format raw|uki|initramfs --profile P --runtime R --kubernetes V --output DIR]: what is released, see docs/image.md.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parseArchitecture } from './lib/architectures.mjs';
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';
import { out } from './lib/paths.mjs';

await runMain(async () => {
  // What else the command line says, and whether it makes sense, is the image builder's business.
  const { values } = parseArgs({ options: { arch: { type: 'string' } }, strict: false });
  await buildAll({ upTo: 'build', architectures: [parseArchitecture(values.arch)] });
  const { main } = await import(pathToFileURL(path.join(out, 'js', 'lib', 'image', 'release-main.js')).href);
  return main(process.argv.slice(2));
});
