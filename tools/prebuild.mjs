// npm run prebuild: the addon as it ships, for every architecture: prebuilds/linux-x64/talos.node and prebuilds/linux-arm64/talos.node.
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/failure.mjs';
import { prebuildArchitectures } from './lib/prebuild.mjs';

await runMain(() => buildAll({ upTo: 'build', native: prebuildArchitectures.map((arch) => `prebuild-${arch}`) }));
