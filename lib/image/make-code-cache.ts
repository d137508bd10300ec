/**
 * Run by the image's own Node with the image's own flags: evaluates a role's bundle without calling its main(), and writes V8's
 * code cache of what that compiled. Arguments: bundle, output, the name that the launcher gives the script.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const [, , bundle = '', output = '', filename = ''] = process.argv;
const script = new Script(readFileSync(bundle, 'latin1'), { filename });
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(import.meta.url), module);
writeFileSync(output, script.createCachedData());
// Modules may have started timers; there is nothing to wait for.
process.exit(0);
