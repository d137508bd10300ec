/** Evaluating the script of a role of the image with its code cache, as a boot does before the role's main(). Second argument: the role. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { probeInput, stopwatch, tell } from '../probe.js';

const role = process.argv[3] ?? '';
const { bundles } = probeInput();
const took = stopwatch();
const source = readFileSync(join(bundles, `${role}.cjs`), 'latin1');
const cachedData = readFileSync(join(bundles, `${role}.cache`));
const script = new Script(source, { filename: `/usr/bin/${role}`, cachedData });
const module: { exports: { main?: unknown } } = { exports: {} };
script.runInThisContext()(module.exports, createRequire(import.meta.url), module);
const { cpuUs } = took();
if (script.cachedDataRejected !== false) throw new Error('V8 did not take the code cache');
if (typeof module.exports.main !== 'function') throw new Error(`${role} has no main()`);
tell({ [`load-${role}`]: cpuUs / 1000 });
// Modules may have started timers; there is nothing to wait for.
process.exit(0);
