/** blockd as a process of its own; descriptor 3 is its control connection. */
import { main } from '../../../../lib/blockd/main.js';

await main();
