/** proxyd as a process of its own, on any port; descriptor 3 is its control connection. */
import { main } from '../../../../lib/proxyd/main.js';

await main(0);
