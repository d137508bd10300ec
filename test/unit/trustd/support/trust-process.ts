/** trustd as a process of its own, on any port; descriptor 3 is its control connection. */
import { main } from '../../../../lib/trustd/main.js';

await main(0);
