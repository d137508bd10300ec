/** A list of routes as objects. Runs in a network namespace of its own. */
import { manyRoutes } from '../../lib/many.js';
import { costOfRound, nativeOf, probeInput, tell } from '../probe.js';

const ROUTES = 1000;

const { netlink } = await nativeOf(probeInput());
const { cpuUs } = costOfRound(manyRoutes(netlink, ROUTES).round, { warmUpMs: 70, measuredMs: 130 });
tell({ routes: (cpuUs * 1000) / ROUTES });
