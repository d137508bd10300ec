/** Hostile clients against the Node that nodes run: older ones keep connections whose HTTP/2 session has ended by an error. */
import { join } from 'node:path';
import t from 'tap';
import { imageNodePath } from '../../helpers/checkout.js';

t.setTimeout(120_000);
t.spawn(imageNodePath, [join(import.meta.dirname, 'support/hostile-clients.js')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
