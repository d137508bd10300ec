// npm run build: everything but booting.
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';

await runMain(() => buildAll({ images: !process.argv.includes('--no-images') }));
