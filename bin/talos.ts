// The one executable of the image. Its role is the name it was called by; a role's code is evaluated only in its own process.
import { basename } from 'node:path';

const roles: Record<string, () => Promise<{ main(): Promise<void> }>> = {
  init: () => import('../lib/init/main.js'),
  machined: () => import('../lib/machined/main.js'),
  osd: () => import('../lib/osd/main.js'),
};
const role = roles[basename(process.argv0)];
if (role === undefined) throw new Error(`no such role: ${process.argv0} (there are ${Object.keys(roles).join(', ')})`);
void role().then((module) => module.main());
