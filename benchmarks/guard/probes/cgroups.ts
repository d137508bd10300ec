/** CPU statistics of many control groups. Runs in a mount namespace of its own. */
import { manyCgroups } from '../../lib/many.js';
import { costOfRound, nativeOf, probeInput, tell } from '../probe.js';

const GROUPS = 100;

const groups = manyCgroups(await nativeOf(probeInput()), GROUPS);
try {
  const { cpuUs } = costOfRound(groups.round, { warmUpMs: 70, measuredMs: 130 });
  tell({ cgroups: (cpuUs * 1000) / GROUPS });
} finally {
  await groups.end();
}
