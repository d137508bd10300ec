/** osd as a process of its own, on any port; descriptor 3 is its control connection. Started by osd-node.ts. */
import { main } from '../../lib/osd/main.js';

await main(0);
