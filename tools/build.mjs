// npm run build [-- --no-images]: everything but booting.
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';

await runMain(() => buildAll({ upTo: process.argv.includes('--no-images') ? 'build' : 'images' }));
