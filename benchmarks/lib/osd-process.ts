/** osd as a process of its own, on any port; descriptor 3 is its control connection. Started by osd-node.ts. `--profile`: descriptor 4 gets V8's CPU profile. */
import { main } from '../../lib/osd/main.js';

if (process.argv.includes('--profile')) {
  const { profileUntilExit } = await import('../profile/self-profile.js');
  profileUntilExit(4);
}
await main(0);
