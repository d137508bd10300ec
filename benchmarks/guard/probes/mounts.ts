/** The table of mounts as objects. Runs in a mount namespace of its own. */
import { manyMounts } from '../../lib/many.js';
import { costOfRound, nativeOf, probeInput, tell } from '../probe.js';

const { mount } = await nativeOf(probeInput());
const mounts = manyMounts(mount, 300);
const { cpuUs } = costOfRound(mounts.round, { warmUpMs: 70, measuredMs: 130 });
await mounts.end();
tell({ mounts: cpuUs });
