// npm run image [-- --arch A --format raw|uki|initramfs --profile P --runtime R --kubernetes V --output DIR]: what is released, see docs/image.md.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';
import { imageArguments, imageUsage } from './lib/image-options.mjs';
import { out } from './lib/paths.mjs';

const builder = path.join(out, 'js', 'lib', 'image', 'release-main.js');

await runMain(async () => {
  const argv = process.argv.slice(2);
  const { arch, help } = imageArguments(argv);
  if (help && !existsSync(builder)) {
    process.stdout.write(imageUsage);
    return 0;
  }
  if (!help) await buildAll({ upTo: 'build', architectures: [arch] });
  const { main } = await import(pathToFileURL(builder).href);
  return main(argv);
});
