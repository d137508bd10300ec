/** `flood-process.js JSON`: one flood as a process of its own, so that it does not share a thread with whoever measures. JSON: see FloodOrder. */
import { connectionAttempts, flood, type Target } from './floods.js';

export interface FloodOrder {
  name: string;
  seconds: number;
  target: Target;
}

const { name, seconds, target } = JSON.parse(process.argv[2] as string) as FloodOrder;
const tally = name === 'attempts' ? await connectionAttempts(target, 10_000) : await flood(name, target, seconds);
process.stdout.write(`${JSON.stringify(tally)}\n`);
process.exit(0);
